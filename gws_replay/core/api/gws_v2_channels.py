"""The channels of GWS v2, one row each: paths, topics, keys, and how userData is deleted.

To add a channel, add a row.
"""

from gws_replay.core.api.schema import Channel, Delete

_KEYS = {"DeleteUserData": Delete.KEYS}

# A comment names the pages of each row; the keys of workbin notifications are from WorkbinsMessageType.
CHANNELS = (
    # FacebookPMMessageType, FacebookPMUpdateUserData: the topic is singular, the path plural.
    Channel(
        name="Facebook session",
        collection="facebooksessions",
        key="facebooksession",
        topic="/v2/me/facebooksession",
        message_type="FacebooksessionStateChangeMessage",
        keys=("facebooksessionStateResourceV2",),
        deletes=_KEYS,
    ),
    # FacebookCreate, FacebookMessageType, FacebookResource: the path is singular, addresses in answers are plural.
    Channel(
        name="Facebook",
        collection="facebook",
        key="facebook",
        topic="/v2/me/facebook",
        message_type="FacebookStateChangeMessage",
        names=("facebooks", "social-medias"),
        keys=("facebookStateResourceV2",),
        deletes=_KEYS,
    ),
    # ChatAttachUserData, ChatUpdateUserData, ChatDeleteUserData, ChatMessageType.
    Channel(
        name="chat",
        collection="chats",
        key="chat",
        topic="/v2/me/chats",
        message_type="ChatStateChangeMessage",
        keys=("chatStateResourceV2",),
        deletes=_KEYS,
    ),
    # SMSAttachUserData, SMSUpdateUserData, SMSDeleteUserData; topic and messageType by analogy.
    Channel(
        name="SMS",
        collection="smssessions",
        key="smssession",
        topic="/v2/me/smssession",
        message_type="SmssessionStateChangeMessage",
        keys=("smssessionStateResourceV2",),
        deletes=_KEYS,
    ),
    # EmailAttachUserData, EmailDeleteUserData (its sample posts to chats; its table and its sample disagree).
    Channel(
        name="e-mail",
        collection="emails",
        key="email",
        topic="/v2/me/emails",
        message_type="EmailStateChangeMessage",
        keys=("emailStateResourceV2",),
        deletes=_KEYS,
    ),
    # WorkitemAttachUserData, WorkitemUpdateUserData; there is no page for its DeleteUserData: by analogy.
    Channel(
        name="workitem",
        collection="workitems",
        key="workitem",
        topic="/v2/me/workitems",
        message_type="WorkitemStateChangeMessage",
        keys=("workitemStateResourceV2",),
        deletes=_KEYS,
    ),
    # OpenMediaAPIAttachUD, OpenMediaAPIDeleteUD: the path has the media type before the id.
    Channel(
        name="open media",
        collection="openmedia",
        key="openmedia",
        topic="/v2/me/openmedia",
        message_type="OpenmediaStateChangeMessage",
        keys=("openmediaStateResourceV2",),
        depth=2,
        deletes=_KEYS,
    ),
    # TwitterAttachUserData, TwitterUpdateUserData, TwitterDeleteUserData, TwitterReply, TwitterCreate.
    Channel(
        name="Twitter",
        collection="twitter",
        key="twitter",
        topic="/v2/me/twitter",
        message_type="TwitterStateChangeMessage",
        names=("twitters", "tweets", "tweet"),
        keys=("twitterStateResourceV2", "tweet"),
        deletes=_KEYS,
    ),
    # IMSessionAttachUserData, IMSessionUpdateUserData, IMSessionDeleteUserData; the topic by analogy.
    Channel(
        name="IM session",
        collection="im-sessions",
        key="imSession",
        topic="/v2/me/im-sessions",
        message_type="IMSessionStateChangeMessage",
        names=("imSessions",),
        userdata_kind="AttachedDataChanged",
        deletes={"DeleteUserData": Delete.KEY},
    ),
    # AttachUserData, UpdateUserData, DeleteUserData ("note the absence"), DeleteUserDataPair, CallsMessageType.
    Channel(
        name="call",
        collection="calls",
        key="call",
        topic="/v2/me/calls",
        message_type="CallStateChangeMessage",
        userdata_kind="AttachedDataChanged",
        deletes={"DeleteUserData": Delete.ALL, "DeleteUserDataPair": Delete.KEY},
        omits_empty=True,
        repeats=True,
    ),
    # CHGetInteractionContent: its data come by notification only; it has no userData of its own.
    Channel(
        name="interaction",
        collection="interactions",
        key="interaction",
        topic="/v2/me/interactions",
        message_type="GetInteractionContentMessage",
        deletes={},
    ),
)
