# The Python SDK of the second generation, in either era, over the WebSocket transport of the examples or over HTTP.
import asyncio
import os
import sys
import warnings
from contextlib import AsyncExitStack

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from steps import Heard, follow
from transport import websocket_client

warnings.simplefilter("ignore")


def transport(url):
    token = os.environ["MCPW_TOKEN"]
    if url.startswith("ws"):
        return websocket_client(url, token)
    return streamable_http_client(url, http_client=httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}))


async def main(url, era):
    heard = Heard()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            Client(
                transport(url),
                mode="legacy" if era == "legacy" else "auto",
                sampling_callback=heard.sample,
                elicitation_callback=heard.elicit,
                list_roots_callback=heard.roots,
                logging_callback=heard.log,
                message_handler=heard.message,
                # Clients without sessions say it in each request.
                log_level="debug",
            )
        )

        async def cancel(running):
            running.cancel()
            await asyncio.wait([running])

        async def level(name):
            if era == "legacy":
                await client.set_logging_level(name)

        async def subscribe(uri):
            if era == "legacy":
                await client.subscribe_resource(uri)
            else:
                await stack.enter_async_context(client.listen(resource_subscriptions=[uri]))

        hello = {"version": client.protocol_version, "server": client.server_info.name}
        await follow(client, heard, hello, cancel, level, subscribe)


asyncio.run(main(*sys.argv[1:]))
