"""Subscribers that count and check, in a process of their own: what comes off the socket is read with numpy.

Run as ``python -m tests.interop.opcua_fanout_readers URL READERS ITEMS SECONDS [CERTIFICATE KEY URI]``; prints one JSON
object. The server's row ``X-0007`` must hold ``7 * 2**24 + k`` in frame k.
"""

import asyncio
import json
import struct
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.ua_binary import struct_from_binary

from hmi_server.opcua.ids import AttributeIds, node_id
from tests.interop.opcua_plant import protocol_of

RECORD = np.dtype(
    [("handle", "<u4"), ("mask", "u1"), ("type", "u1"), ("value", "<f8"), ("status", "<u4"), ("time", "<i8")]
)
STEP = 2**24
QUEUE = 5  # frames a reader may be late without losing one: its process shares the cores with others


@dataclass
class Tally:
    values: int = 0
    messages: int = 0
    wrong: int = 0
    gaps: int = 0


async def read(client: Client, items: int, seconds: float, tally: Tally) -> None:
    params = ua.CreateSubscriptionParameters(
        RequestedPublishingInterval=100, RequestedLifetimeCount=1000, RequestedMaxKeepAliveCount=100
    )
    subscription = (await protocol_of(client).send_request(ua.CreateSubscriptionRequest(Parameters=params))).copy()
    response = struct_from_binary(ua.CreateSubscriptionResponse, subscription)
    wanted = ua.CreateMonitoredItemsParameters(response.Parameters.SubscriptionId)
    for number in range(items):
        node = ua.ReadValueId(node_id(f"X-{number:04}"), AttributeIds.Value)
        asked = ua.MonitoringParameters(number, 100.0, QueueSize=QUEUE)
        wanted.ItemsToCreate.append(ua.MonitoredItemCreateRequest(node, ua.MonitoringMode.Reporting, asked))
    await protocol_of(client).send_request(ua.CreateMonitoredItemsRequest(Parameters=wanted))
    await publish(client, response.Parameters.SubscriptionId, items, seconds, tally)


async def publish(client: Client, subscription: int, items: int, seconds: float, tally: Tally) -> None:
    last = np.full(items, -1.0)
    loop = asyncio.get_running_loop()
    end = None
    waiting = [ask(client, []) for _ in range(3)]
    while end is None or loop.time() < end:
        body = bytes(await waiting.pop(0))
        sequence, records = decode(body)
        waiting.append(ask(client, [ua.SubscriptionAcknowledgement(subscription, sequence)]))
        if not len(records):
            continue
        if end is None:  # the first message has the values of the moment: from here on every frame counts
            end = loop.time() + seconds
        else:
            tally.messages += 1
            tally.values += len(records)
        for frame in np.split(records, range(items, len(records), items)):
            check(frame, last, tally)
    for request in waiting:
        request.cancel()


def check(frame: np.ndarray, last: np.ndarray, tally: Tally) -> None:
    """Compare the records of one frame with what it must hold and with the frame before."""
    handle = frame["handle"]
    counted = frame["value"] - handle * float(STEP)
    tally.wrong += int((frame["status"] != 0).sum() + (counted != frame["time"] % STEP).sum())
    known = last[handle] >= 0
    tally.gaps += int((counted[known] != last[handle][known] + 1).sum())
    last[handle] = counted


def ask(client: Client, acks: list[ua.SubscriptionAcknowledgement]) -> asyncio.Future[Any]:
    request = ua.PublishRequest(Parameters=ua.PublishParameters(acks))
    return asyncio.ensure_future(protocol_of(client).send_request(request, timeout=30))


def decode(body: bytes) -> tuple[int, np.ndarray]:
    """Return the sequence number and the records of a PublishResponse with one DataChangeNotification or none."""
    at = 4 + 16 + 8  # type id, header, its empty ends
    _, available = struct.unpack_from("<Ii", body, at)
    at += 8 + 4 * max(available, 0) + 1
    sequence, _, parts = struct.unpack_from("<Iqi", body, at)
    at += 16
    if parts <= 0:
        return sequence, np.zeros(0, dtype=RECORD)
    count = struct.unpack_from("<i", body, at + 4 + 1 + 4)[0]
    return sequence, np.frombuffer(body, RECORD, count, at + 4 + 1 + 4 + 4)


async def main(url: str, readers: int, items: int, seconds: float, security: list[str]) -> None:
    clients: list[Client] = []
    for _ in range(readers):
        client = Client(url, timeout=30)
        if security:
            client.application_uri = security[2]
            client.set_user("olga")
            client.set_password("password-of-olga")
            await client.set_security(SecurityPolicyBasic256Sha256, security[0], security[1])
        await client.connect()
        clients.append(client)
    tallies = [Tally() for _ in clients]
    await asyncio.gather(*(read(c, items, seconds, t) for c, t in zip(clients, tallies, strict=True)))
    total = {name: sum(getattr(t, name) for t in tallies) for name in ("values", "messages", "wrong", "gaps")}
    sys.stdout.write(json.dumps(total) + "\n")
    for client in clients:
        await client.disconnect()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5:]))
