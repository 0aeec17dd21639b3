# The Python SDK of the first generation, over its own WebSocket transport or over HTTP.
import asyncio
import os
import sys
import warnings

import httpx
from mcp import ClientSession, types
from mcp.client.streamable_http import streamable_http_client
from mcp.client.websocket import websocket_client

from steps import Heard, follow

warnings.simplefilter("ignore")


def transport(url):
    if url.startswith("ws"):
        return websocket_client(url)
    token = os.environ["MCPW_TOKEN"]
    return streamable_http_client(url, http_client=httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}))


async def main(url):
    heard = Heard()
    async with transport(url) as (read, write, *_):
        async with ClientSession(
            read,
            write,
            sampling_callback=heard.sample,
            elicitation_callback=heard.elicit,
            list_roots_callback=heard.roots,
            logging_callback=heard.log,
            message_handler=heard.message,
        ) as session:

            async def cancel(running):
                # This generation has no words for it, but counts its requests.
                params = types.CancelledNotificationParams(requestId=session._request_id - 1)
                note = types.CancelledNotification(params=params)
                await session.send_notification(types.ClientNotification(note))
                running.cancel()

            opened = await session.initialize()
            hello = {"version": opened.protocolVersion, "server": opened.serverInfo.name}
            await follow(session, heard, hello, cancel, session.set_logging_level, session.subscribe_resource)


asyncio.run(main(sys.argv[1]))
