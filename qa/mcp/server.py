"""The server of the MCP SDK with our tools and documents: the one place where its requests become calls of ours."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import ValidationError

from index.errors import CitableError
from qa import __version__
from qa.errors import BadQuestion, NotAllowed, NotFound
from qa.mcp.faults import Tell, tell_all
from qa.mcp.resources import list_documents, read_document, templates
from qa.mcp.tools import TOOLS, IsGone, Outcome, ToolSpec
from qa.mcp.visitors import Visitor

_AT_ONCE = 8  # tools and documents in the making; more wait
_INSTRUCTIONS = (
    "The user's own documents. To answer a question from them use `ask`: its text has numbered citations, and links that "
    "open the quoted words. Keep the numbers and give the links. `search` and `fetch` are for reading further."
)
_Context = ServerRequestContext[Any, Any]
_T = TypeVar("_T")
Who = Callable[[Any], Visitor]


def make_server(who: Who, tell: Tell = tell_all) -> Server[Any]:
    """Return the server. who: says by the HTTP request, None on stdio, who calls; tell: what clients read of an error."""
    threads = CapacityLimiter(_AT_ONCE)

    async def list_tools(context: _Context, _: PaginatedRequestParams | None) -> ListToolsResult:
        visitor = who(context.request)
        return ListToolsResult(tools=[_described(tool) for tool in TOOLS if visitor.may(tool.scope)])

    async def call_tool(context: _Context, params: CallToolRequestParams) -> CallToolResult:
        visitor = who(context.request)
        tool = next((one for one in TOOLS if one.name == params.name), None)
        if tool is None:
            known = ", ".join(one.name for one in TOOLS)
            raise MCPError(INVALID_PARAMS, f"there is no tool of this name; there are: {known}")
        try:
            outcome = await _in_thread(lambda is_gone: _call(visitor, tool, params.arguments or {}, is_gone), threads)
        except Exception as error:
            return CallToolResult(content=[TextContent(text=tell(error))], is_error=True)
        return CallToolResult(content=[TextContent(text=outcome.text)], structured_content=outcome.structured)

    async def list_resources(context: _Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        cursor, visitor = (params and params.cursor) or "", who(context.request)
        return await _or_mcp_error(lambda: list_documents(visitor.workspace, cursor), tell, threads)

    async def read_resource(context: _Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        visitor = who(context.request)
        return await _or_mcp_error(lambda: read_document(visitor.workspace, params.uri), tell, threads)

    async def list_templates(_: _Context, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=templates())

    return Server(
        "citable-qa",
        version=__version__,
        title="Citable QA",
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
        on_list_resource_templates=list_templates,
    )


def _described(tool: ToolSpec) -> Tool:
    # an answer is kept in the history, but nothing of what is asked about changes
    hints = ToolAnnotations(title=tool.title, read_only_hint=True, destructive_hint=False, open_world_hint=False)
    return Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.arguments.model_json_schema(),
        output_schema=tool.output,
        annotations=hints,
    )


def _call(visitor: Visitor, tool: ToolSpec, given: dict[str, Any], is_gone: IsGone) -> Outcome:
    """Check the arguments and run a tool. Raises NotAllowed, and BadQuestion for arguments that do not fit."""
    if not visitor.may(tool.scope):
        raise NotAllowed(f"this key may not use {tool.name}", f"it takes one with the scope {tool.scope}")
    try:
        arguments = tool.arguments.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        allowed = ", ".join(tool.arguments.model_fields) or "none"
        raise BadQuestion(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", f"the arguments are: {allowed}") from None
    return tool.run(visitor.workspace, arguments, is_gone)


async def _in_thread(work: Callable[[IsGone], _T], threads: CapacityLimiter) -> _T:
    """Work in a thread; a client that cancels or leaves is told to the work, which ends by itself."""
    left = threading.Event()
    try:
        return await to_thread.run_sync(work, left.is_set, abandon_on_cancel=True, limiter=threads)
    finally:
        left.set()


async def _or_mcp_error(work: Callable[[], _T], tell: Tell, threads: CapacityLimiter) -> _T:
    """Work in a thread, and make an error the protocol's: resources have no other way to say it."""
    try:
        return await _in_thread(lambda _: work(), threads)
    except Exception as error:
        code = INVALID_PARAMS if isinstance(error, NotFound | BadQuestion) else INTERNAL_ERROR
        raise MCPError(code, tell(error)) from (error if isinstance(error, CitableError) else None)
