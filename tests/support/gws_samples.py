"""What the documented samples in tests/data/gws-samples show, in our own words."""

from typing import Any

from gws_replay.core.api.schema import ABSENT, ALL_KEYS, ONE_LESS, Another, Key

SET: dict[Key, Any] = {"UserData1": "DATA1", "UserData2": 123456789}
UPDATED: dict[Key, Any] = {"UserData1": 987654321, "UserData2": "DATAUPDATE-@123"}
GONE: dict[Key, Any] = {"UserData1": ABSENT}
FB, CALL, ID = "Facebook session", "call", "01RCC3N118B1V0SL8O7GK2LAES00000R"
IM, TALK = "IM session", "00446K0L8GAC3B9R8O7GK2LAES00000D"
MEDIA = "Workspace interaction"

# Each request: operation, channel, resource, what it writes to userData (None: it is not userData operation).
REQUESTED: dict[str, list[tuple[str | None, str | None, str | None, dict[Key, Any] | None]]] = {
    "Accept-facebooksession": [("Accept", FB, "0071023821aec011", None)],
    "AddComment-facebooksession": [("AddComment", FB, "0000Na9B26EF003M", {})],
    "AttachUserData-call": [("AttachUserData", CALL, ID, {"AccountNumber": Another("12345")})],
    "AttachUserData-chat": [("AttachUserData", "chat", "0071023821aec011", {**SET})],
    "AttachUserData-email": [("AttachUserData", "e-mail", "0071023821aec011", {**SET})],
    "AttachUserData-facebooksession": [("AttachUserData", FB, "0002DaAVKJ0V0095", {**SET})],
    "AttachUserData-imsession": [("AttachUserData", IM, TALK, {"bestNumber": "3"})],
    "AttachUserData-workitem": [("AttachUserData", "workitem", "03W07R2K4VAYT010", {**SET})],
    "Complete-facebooksession": [("Complete", FB, "0002DaAVKJ0V0095", None)],
    "Consult-facebooksession": [("Consult", FB, "0000Na9B26EF006E", None)],
    "Create-facebook": [("Create", "Facebook", None, None)],
    "DeleteUserData-call": [("DeleteUserData", CALL, ID, {ALL_KEYS: ABSENT})],
    "DeleteUserData-chat": [("DeleteUserData", "chat", "0071023821aec011", {**GONE})],
    # The page's own slip: it posts to a chat.
    "DeleteUserData-email": [("DeleteUserData", "chat", "0071023821aec011", {**GONE})],
    "DeleteUserData-facebooksession": [("DeleteUserData", FB, "0002DaAVKJ0V0095", {**GONE})],
    "DeleteUserData-imsession": [("DeleteUserData", IM, TALK, {"bestNumber": ABSENT})],
    "DeleteUserDataPair-call": [("DeleteUserDataPair", CALL, ID, {"CustomerSegment": ONE_LESS})],
    "GET-facebook-resource": [(None, "Facebook", None, None)],
    "GET-facebooksession-resource": [(None, FB, None, None)],
    "GET-me": [(None, None, None, None)],
    "GET-me-devices": [(None, None, None, None)],
    "GET-version": [(None, None, None, None)],
    "Leave-facebooksession": [("Leave", FB, "0002DaAVKJ0V0095", None)],
    "Reject-facebooksession": [("Reject", FB, "0071023821aec011", None)],
    "RemoveParticipantFromConference-facebooksession": [
        ("RemoveParticipantFromConference", FB, "00010a9FSGFP001F", None)
    ],
    "SendMessage-facebooksession": [("SendMessage", FB, "0071023821aec011", None)],
    "SendToAgents-facebooksession": [("SendToAgents", FB, "0071023821aec011", None)],
    "SendUrl-facebooksession": [("SendUrl", FB, "0001Ea9Q8UVY000T", None)],
    "SetDisposition-facebooksession": [
        ("SetDisposition", FB, "0000Na9B26EF003M", {"DispositionCode": "IssueResolved"})
    ],
    "Transfer-facebooksession": [
        ("Transfer", FB, "01QQQG2MU214P05W", None),
        ("Transfer", FB, "01QQQG2MU214P05X", None),
    ],
    "UpdateUserData-call": [
        ("UpdateUserData", CALL, ID, {"AccountNumber": "12345678"}),
        (
            *("UpdateUserData", CALL, ID),
            {"AccountNumber": "12345678", "CustomerSegment": "Platinum", "CustomerName": "James"},
        ),
    ],
    "UpdateUserData-chat": [("UpdateUserData", "chat", "0071023821aec011", {**UPDATED})],
    "UpdateUserData-facebooksession": [("UpdateUserData", FB, "0002DaAVKJ0V0095", {**UPDATED})],
    "UpdateUserData-imsession": [("UpdateUserData", IM, TALK, {"bestNumber": "5"})],
    "UpdateUserData-workitem": [
        (*("UpdateUserData", "workitem", "03W07R2K4VAYT010"), {"UserData1": "DATAUPDATE-@123", "UserData2": 123456789})
    ],
    "cometd-notification-chat": [],
    "cometd-notification-device": [],
    "cometd-notification-facebooksession": [],
    "cometd-notification-interactioncontent": [("GetInteractionContent", "interaction", "0000Sa99620J0EM5", None)],
    "error-response-csrf": [("StartContactCenterSession", None, None, None)],
    "error-response-unauthenticated": [(None, None, None, None)],
    "session-end": [("EndContactCenterSession", None, None, None)],
    "session-start-csrf": [("StartContactCenterSession", None, None, None)],
    "successor-workspacev3-attach-user-data": [
        ("attach-user-data", MEDIA, "{id}", {"UserData1": Another("DATA1"), "UserData2": Another(123456789)})
    ],
    "successor-workspacev3-delete-user-data": [("delete-user-data", MEDIA, "{id}", {**GONE})],
    "successor-workspacev3-update-user-data": [("update-user-data", MEDIA, "{id}", {"UserData1": 987654321})],
}

# Each notification: kind, reference, channel, resource, number of userData keys (None: it says nothing of userData).
# Excerpts that were cut have no id, or no kind, and show no userData.
NOTIFIED: dict[str, list[tuple[str, int | str | None, str | None, str | None, int | None]]] = {
    "Accept-facebooksession": [
        ("StatusChange", 17, FB, "0000Na9B26EF002X", None),
        ("ParticipantsUpdated", None, FB, "0000Na9B26EF002X", None),
        ("NewMessages", None, None, None, None),
    ],
    "AddComment-facebooksession": [("PropertiesUpdated", 34, FB, "0000Na9B26EF003M", None)],
    "AttachUserData-call": [("AttachedDataChanged", None, CALL, ID, 1)],
    "AttachUserData-chat": [("", 83, "chat", "0000Wa9CAM6W00J", 32)],
    "AttachUserData-email": [("PropertiesUpdated", 11, "e-mail", "", None)],
    "AttachUserData-facebooksession": [("PropertiesUpdated", 14, FB, "", None)],
    "AttachUserData-imsession": [("AttachedDataChanged", None, "IM session", "12398123091823091283012", 1)],
    "AttachUserData-workitem": [("PropertiesUpdated", 7, "workitem", "03W07R2K4VAYT010", 25)],
    "Complete-facebooksession": [("StatusChange", 23, FB, "", None)],
    "Consult-facebooksession": [("ParticipantsUpdated", None, FB, "", None)],
    "Create-facebook": [("StatusChange", 9, "Facebook", "01QG4HAN88NP400J", None)],
    "DeleteUserData-call": [("AttachedDataChanged", None, CALL, ID, 0)],
    "DeleteUserData-chat": [("", 15, "chat", "0000Wa9CAM6W00K5", 31)],
    "DeleteUserData-email": [("PropertiesUpdated", 15, "e-mail", "", None)],
    "DeleteUserData-facebooksession": [("PropertiesUpdated", 18, FB, "", None)],
    "DeleteUserData-imsession": [("AttachedDataChanged", None, "IM session", "12398123091823091283012", 1)],
    "DeleteUserDataPair-call": [("AttachedDataChanged", None, CALL, ID, 2)],
    "Leave-facebooksession": [("StatusChange", None, FB, "", None)],
    "Reject-facebooksession": [("StatusChange", 5, FB, "0000Wa9CAM6W00FF", None)],
    "RemoveParticipantFromConference-facebooksession": [
        ("NewMessages", None, FB, "0002EaAY01MT0082", None),
        ("ParticipantsUpdated", 63, FB, "", None),
    ],
    "SendMessage-facebooksession": [("NewMessages", None, FB, "0000Wa9CAM6W00FN", None)],
    "SendToAgents-facebooksession": [("NewMessages", None, FB, "0002EaAY01MT007J", None)],
    # The page shows a chatUri; its path is a Facebook session's.
    "SendUrl-facebooksession": [("NewMessages", None, FB, "0001Ea9Q8UVY000T", None)],
    "SetDisposition-facebooksession": [("PropertiesUpdated", 34, FB, "0000Na9B26EF003M", 1)],
    "UpdateUserData-call": [("AttachedDataChanged", None, CALL, ID, 1)],
    "UpdateUserData-chat": [("", 85, "chat", "0000Wa9CAM6W00J", 32)],
    "UpdateUserData-facebooksession": [("PropertiesUpdated", 16, FB, "0002DaAVKJ0V0095", 83)],
    "UpdateUserData-imsession": [("AttachedDataChanged", None, "IM session", "12398123091823091283012", 1)],
    "UpdateUserData-workitem": [("PropertiesUpdated", 7, "workitem", "03W07R2K4VAYT010", 25)],
    "cometd-notification-chat": [("PropertiesUpdated", 83, "chat", "0000Wa9CAM6W00J", 2)],
    "cometd-notification-device": [("DeviceStateChangeMessage", None, None, None, None)],
    "cometd-notification-facebooksession": [("StatusChange", 17, FB, "0000Na9B26EF002X", None)],
    "cometd-notification-interactioncontent": [
        ("GetInteractionContentMessage", 2, "interaction", "0000Sa99620J0EM5", None)
    ],
    "successor-workspacev3-attach-user-data": [("PropertiesUpdated", "<the same>", MEDIA, "...", 1)],
    "successor-workspacev3-delete-user-data": [("PropertiesUpdated", "<the same>", MEDIA, "...", 1)],
    "successor-workspacev3-update-user-data": [("PropertiesUpdated", "<the same>", MEDIA, "...", 1)],
}

# Answers that are more than {"statusCode": 0}: taken or not, as it is spelled, reference, resources.
RETURNED: dict[str, list[tuple[str, str | None, int | str | None, list[str]]]] = {
    "AttachUserData-workitem": [("taken", "statusCode 0", 7, [])],
    "Consult-facebooksession": [("taken", "statusCode 0", 35, [])],
    "Create-facebook": [("taken", "statusCode 0", 10, [])],
    "GET-facebook-resource": [("taken", None, None, ["01QG4HAN88NP400N"])],
    "Transfer-facebooksession": [("taken", "statusCode 0", 68, []), ("taken", "statusCode 0", 89, [])],
    "UpdateUserData-workitem": [("taken", "statusCode 0", 7, [])],
    "cometd-notification-interactioncontent": [("taken", "statusCode 0", 2, [])],
    "error-response-csrf": [("refused", None, None, [])],
    "error-response-unauthenticated": [("refused", "statusCode 20", None, [])],
    **{
        f"successor-workspacev3-{verb}-user-data": [("taken", "status.code 1", "<echo or generated>", [])]
        for verb in ("attach", "delete", "update")
    },
}
