// A GWS client of JavaScript: npm cometd for the notifications, node:http for REST, one cookie jar for both.
//
// Its options are JSON in argv[2]: url, comet (a path), user, transport, ack. Each line of stdin is a command, and they
// are obeyed in order: {do: "comet", subscriptions}, {do: "rest" or "login", method, path, body, pause}, {do: "wait", what, count}.
// Each thing that the client sees is printed as a line of JSON, in the order in which it sees it. The end of stdin ends it.

import http from "node:http";
import readline from "node:readline";
import {AckExtension, CometD} from "cometd";
import {adapt} from "cometd-nodejs-client";

const options = JSON.parse(process.argv[2]);
const jar = new Map();
const headers = {Authorization: "Basic " + Buffer.from(`${options.user}:x`).toString("base64")};
const counts = {connects: 0, handshakes: 0, notifications: 0, subscribed: 0};
let changed = () => {};

const cookies = () => [...jar].map(([name, value]) => `${name}=${value}`);

function keep(header) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(header);
    jar.set(name, value);
}

function tell(event, counted) {
    process.stdout.write(JSON.stringify(event) + "\n");
    if (counted) {
        counts[counted] += 1;
        changed();
    }
}

async function reached(what, count) {
    while (counts[what] < count) {
        await new Promise(resolve => { changed = resolve; });
    }
}

adapt({
    cookies: {
        storeCookie: (_uri, header, callback) => { keep(header); callback(); },
        retrieveCookies: (_context, _uri, callback) => callback(null, cookies()),
    },
});
// As a browser does, the upgrade carries the cookies; it can carry no fields of its own.
window.WebSocket = class extends window.WebSocket {
    constructor(url, protocol) {
        super(url, protocol, {headers: {Cookie: cookies().join("; ")}});
    }
};

const cometd = new CometD();
const handles = new Map();

function startComet(subscriptions) {
    for (const each of cometd.getTransportTypes()) {
        if (each !== options.transport) {
            cometd.unregisterTransport(each);
        }
    }
    if (options.ack) {
        cometd.registerExtension("ack", new AckExtension());
    }
    cometd.configure({
        url: options.url + options.comet, requestHeaders: headers, logLevel: "warn", backoffIncrement: 100,
        useWorkerScheduler: false,
    });
    cometd.addListener("/meta/connect", message => {
        tell({event: "connect", successful: message.successful}, message.successful && "connects");
    });
    cometd.addListener("/meta/subscribe", message => message.successful && tell({event: "subscribed"}, "subscribed"));
    cometd.addListener("/meta/handshake", message => {
        tell({event: "handshake", successful: message.successful, ack: message.ext?.ack}, message.successful && "handshakes");
        if (message.successful) {
            cometd.batch(() => subscriptions.forEach(channel => {
                const known = handles.get(channel);
                handles.set(channel, known ? cometd.resubscribe(known) : cometd.subscribe(channel, notified));
            }));
        }
    });
    cometd.handshake();
}

function notified(message) {
    tell({event: "notification", channel: message.channel, data: message.data}, "notifications");
}

const agent = new http.Agent({keepAlive: true});

function rest({do: what, method, path, body}) {
    return new Promise((resolve, reject) => {
        const fields = {...headers, Cookie: cookies().join("; "), ...(body ? {"Content-Type": "application/json"} : {})};
        const request = http.request(options.url + path, {method, agent, headers: fields}, answer => {
            (answer.headers["set-cookie"] ?? []).forEach(keep);
            const name = answer.headers["x-csrf-header"];
            if (name) {
                headers[name] = answer.headers[name.toLowerCase()];
            }
            let text = "";
            answer.setEncoding("utf8");
            answer.on("data", piece => { text += piece; });
            answer.on("end", () => {
                if (what === "login") {
                    headers.Authorization = "Bearer " + JSON.parse(text).access_token;
                }
                tell({event: "answer", status: answer.statusCode, text});
                resolve();
            });
        });
        request.on("error", reject);
        request.end(body);
    });
}

async function obey(command) {
    if (command.do === "comet") {
        startComet(command.subscriptions);
        await reached("subscribed", command.subscriptions.length);
        await reached("connects", 1);
    } else if (command.do === "wait") {
        await reached(command.what, command.count);
    } else {
        if (command.pause) {
            await new Promise(resolve => setTimeout(resolve, command.pause));
        }
        await rest(command);
    }
    tell({event: "done"});
}

for await (const line of readline.createInterface({input: process.stdin})) {
    await obey(JSON.parse(line));
}
await new Promise(resolve => (cometd.isDisconnected() ? resolve() : cometd.disconnect(resolve)));
process.exit(0);
