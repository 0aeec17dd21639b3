# The client of the Python SDK, over its WebSocket transport: prints what it saw as JSON.
import asyncio
import json
import sys
import warnings

from mcp import ClientSession, types
from mcp.client.websocket import websocket_client

warnings.simplefilter("ignore")


async def main(url):
    progress, asked = [], []

    async def elicit(context, params):
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"name": "n"})

    async def walk(done, total, message):
        progress.append([done, total, message])

    async with websocket_client(url) as (read, write):
        async with ClientSession(read, write, elicitation_callback=elicit) as session:
            opened = await session.initialize()
            tools = await session.list_tools()
            walked = await session.call_tool("walk", {}, progress_callback=walk)
            told = await session.call_tool("words.own", {"do": "ask"})
            failed = await session.call_tool("fail", {})
            resources = await session.list_resources()
            contents = await session.read_resource(resources.resources[0].uri)
            await session.send_ping()
            seen = {
                "version": opened.protocolVersion,
                "server": opened.serverInfo.name,
                "tools": sorted(tool.name for tool in tools.tools),
                "walked": walked.structuredContent,
                "progress": progress,
                "asked": asked,
                "told": told.structuredContent,
                "failed": failed.isError,
                "contents": contents.contents[0].text,
            }
            print(json.dumps(seen))


asyncio.run(main(sys.argv[1]))
