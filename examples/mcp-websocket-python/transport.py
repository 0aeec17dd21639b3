"""Model Context Protocol over a WebSocket, as a transport of the Python SDK (mcp 2). One text frame is one message, in both eras."""
from contextlib import asynccontextmanager, suppress

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

# Bytes. The library's own bound of 1 MiB is less than what servers may answer.
MAX_MESSAGE = 16 << 20


@asynccontextmanager
async def websocket_client(url, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else None
    arriving, arrived = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    sending, to_send = anyio.create_memory_object_stream[SessionMessage](0)

    async with connect(url, subprotocols=["mcp"], additional_headers=headers, max_size=MAX_MESSAGE) as socket:

        async def receive():
            # When the connection ends, the stream does: so the session learns of it.
            async with arriving:
                with suppress(ConnectionClosed, anyio.BrokenResourceError):
                    async for text in socket:
                        try:
                            message = SessionMessage(jsonrpc_message_adapter.validate_json(text, by_name=False))
                        except ValueError as error:
                            message = error
                        await arriving.send(message)

        async def send():
            async with to_send:
                with suppress(ConnectionClosed):
                    async for message in to_send:
                        await socket.send(message.message.model_dump_json(by_alias=True, exclude_unset=True))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive)
            tasks.start_soon(send)
            yield arrived, sending
            tasks.cancel_scope.cancel()
