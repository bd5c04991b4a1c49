"""A virtual Bluetooth adapter behind a Unix socket: HCI between the gateways and the homes.

Two processes, as a gateway and a cuff are two things: the cuff keeps its records when the gateway is killed.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from bumble import ll
from bumble.controller import Controller
from bumble.device import Device
from bumble.hci import HCI_CONNECTION_TIMEOUT_ERROR, Address
from bumble.link import LocalLink
from bumble.transport.common import StreamPacketSink, StreamPacketSource, Transport

GATEWAY_ADDRESS = "F0:48:4B:FF:00:01"
"""Static random address of the gateway's adapter; each home has its own air, so one address serves all."""


class _HostSession(StreamPacketSource):
    """One gateway process at the socket. It gets its own controller, which goes when it leaves."""

    def __init__(self, link: LocalLink) -> None:
        super().__init__()
        self._link = link
        self._controller: Controller | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._controller = Controller("gateway", self, StreamPacketSink(transport), self._link)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._controller is None:
            return
        for connection in list(self._controller.le_connections.values()):
            # The peer is in this process; without this it would believe for ever that somebody listens.
            connection.send_ll_control_pdu(ll.TerminateInd(HCI_CONNECTION_TIMEOUT_ERROR))
        self._link.remove_controller(self._controller)
        self._controller = None


async def serve_adapter(link: LocalLink, path: Path) -> asyncio.Server:
    """Offer an adapter on the link at a Unix socket. Close the server to take it away."""
    # asyncio removes a socket that an earlier process has left behind.
    return await asyncio.get_running_loop().create_unix_server(lambda: _HostSession(link), str(path))


async def open_adapter(path: Path) -> tuple[Device, Transport]:
    """Return a powered bumble central on the adapter at `path`, and the transport to close afterwards.

    Raises OSError when nobody offers an adapter there.
    """
    loop = asyncio.get_running_loop()
    stream, source = await loop.create_unix_connection(StreamPacketSource, str(path))
    transport = Transport(source, StreamPacketSink(stream))
    central = Device.with_hci("gateway", Address(GATEWAY_ADDRESS), transport.source, transport.sink)
    await central.power_on()
    return central, transport
