#!/usr/bin/env python3
"""A client that keeps itself up to date as docs/sync.md says, in nothing but Python's own library.

    python3 examples/sync_client.py http://127.0.0.1:3000

It makes two people, lets one be away while the other writes, edits and recalls, and shows what each sync brings. In the end it
compares what the client has with the history of the server.
"""
import json
import sys
import time
import urllib.request

URL = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000").rstrip("/") + "/api/v1"


def call(method, path, body=None, token=None):
    """One request; gives `data`, or ends with what the server says."""
    request = urllib.request.Request(URL + path, method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", "Bearer " + token)
    payload = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, payload) as response:
            return json.load(response)["data"]
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


class Client:
    def __init__(self, token):
        self.token = token
        self.version = None
        self.conversations = {}  # id -> as in the list
        self.messages = {}  # id -> {seq: message}
        self.last_seq = {}  # id -> the contiguous mark: all up to it is here, from where it began
        self.left = set()

    def sync(self, limit=20, show=False):
        request = {"conversations": dict(self.last_seq), "limit": limit}
        if self.version:
            request["version"] = self.version
        is_new = self.version is None
        pages, cursor = 0, None
        while True:
            body = dict(request, cursor=cursor) if cursor else request
            answer = call("POST", "/sync", body, self.token)
            if show:
                shown = {**answer, "version": answer["version"][:24] + "..."}
                print(json.dumps(shown, indent=1))
            if answer["reset"] and not is_new:  # the version says nothing any more: begin anew
                self.conversations, self.messages, self.last_seq, self.left = {}, {}, {}, set()
                request["conversations"], is_new = {}, True
            self.take(answer, request["conversations"])
            pages, cursor = pages + 1, answer["nextCursor"]
            if cursor is None:
                self.version = answer["version"]  # only now: a sync that broke off is made again
                return pages

    def take(self, answer, named):
        for conversation in answer["conversations"]:
            id = conversation["conversationId"]
            page = answer["messages"][id]
            self.conversations[id] = conversation
            if id in answer["removed"]:
                self.left.add(id)
            else:
                self.left.discard(id)
            is_newest = not named.get(id)
            kept = {} if is_newest else self.messages.setdefault(id, {})
            for item in page["items"]:
                kept[item["seq"]] = item
            self.messages[id] = {s: m for s, m in kept.items() if page["minSeq"] <= s <= page["maxSeq"]}
            end = page["items"][-1] if page["items"] else None
            if is_newest or not page["more"]:
                self.last_seq[id] = page["maxSeq"]
            elif end:
                self.last_seq[id] = end.get("toSeq", end["seq"])
        for change in answer["changes"]:
            kept = self.messages.get(change["conversationId"], {})
            for seq, item in list(kept.items()):
                if item.get("messageId") == change["messageId"]:
                    if change["message"] is None:
                        del kept[seq]
                    else:
                        kept[seq] = change["message"]


def sign_up(name):
    account = {"username": f"{name}_{time.time_ns()}", "password": "correct-horse-battery"}
    call("POST", "/users/register", account)
    signed = call("POST", "/users/login", account)
    return signed["user"]["userId"], signed["accessToken"]


def main():
    (ada_id, ada), (ben_id, ben) = sign_up("ada"), sign_up("ben")
    request = call("POST", "/social/friends/request", {"userId": ben_id}, ada)
    call("PUT", f"/social/friends/request/{request['requestId']}", {"action": "accept"}, ben)
    direct = call("POST", "/social/conversations", {"userId": ben_id}, ada)["conversationId"]
    count = 0

    def say(words):
        nonlocal count
        count += 1
        body = {"conversationId": direct, "clientMsgId": f"walk-{count}", "type": "text", "content": {"text": words}}
        return call("POST", "/messages", body, ada)["messageId"]

    first, second = say("Lunch at noon?"), say("Bring the book")
    client = Client(ben)
    print("# Ben's new device knows nothing")
    client.sync(show=True)

    call("PUT", f"/messages/{first}/edit", {"content": {"text": "Lunch at one?"}}, ada)
    call("POST", f"/messages/{second}/recall", None, ada)
    for number in range(60):
        say(f"Are you there? {number}")
    print("# he was away: an edit, a recall, 60 messages")
    client.sync()
    print(f"has {len(client.messages[direct])} messages, up to {client.last_seq[direct]}")
    while client.last_seq[direct] < client.conversations[direct]["maxSeq"]:
        client.sync()
        print(f"has {len(client.messages[direct])} messages, up to {client.last_seq[direct]}")
    print("# nothing happened since")
    client.sync(show=True)

    server, after = [], 0
    while True:
        page = call("GET", f"/messages/conversations/{direct}/history?afterSeq={after}&limit=100", None, ben)
        server += page["items"]
        after = page["items"][-1]["seq"] if page["items"] else page["maxSeq"]
        if after >= page["maxSeq"]:
            break
    have = [client.messages[direct][seq] for seq in sorted(client.messages[direct])]
    if have != server:
        sys.exit("the client does not have what the server has")
    print(f"# the client has what the server has: {len(have)} messages")


main()
