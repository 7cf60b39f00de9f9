"""Items of Codex that hold a tool's call and its result together, and the mark where a fork's own records begin."""

from __future__ import annotations

from typing import Any

from deltamem_cli.readers.parse.values import (
    call_text,
    mapping,
    plain,
    sequence,
    server_result,
    string,
    tool_output,
)

_COMMANDS = ("CommandExecution", "command_execution")
_MCP = ("McpToolCall", "mcp_tool_call")
_FILES = ("FileChange", "file_change")
_SEARCH = ("WebSearch", "web_search")


def item_tool(item: dict[str, Any]) -> tuple[str, str] | None:
    """Return (call, result) of an item that is a tool's; None for any other."""
    kind = item.get("type")
    if kind in _COMMANDS:
        command = item.get("command")
        shown = " ".join(map(str, command)) if isinstance(command, list) else string(command)
        output = string(item.get("aggregated_output")) or string(item.get("stdout")) + string(item.get("stderr"))
        return call_text("shell", {"command": shown}), output
    if kind in _MCP:
        name = ".".join(filter(None, (string(item.get("server")), string(item.get("tool")))))
        failed = item.get("error")
        result = string(mapping(failed).get("message")) or string(failed) if failed else _mcp(item.get("result"))
        return call_text(name or "mcp", item.get("arguments")), result
    if kind in _FILES:
        return call_text("file_change", _changes(item.get("changes"))), string(item.get("status"))
    if kind in _SEARCH:
        return call_text("web_search", {"query": string(item.get("query"))}), tool_output(item.get("result"))
    return None


def begins_own(record: dict[str, Any], began: float) -> bool:
    """Return whether a record of a fork is its own: its settings, or a turn whose id (UUIDv7) was made since then."""
    payload = mapping(record.get("payload"))
    if payload.get("type") == "thread_settings_applied":
        return True
    turn = string(payload.get("turn_id")).replace("-", "")
    if len(turn) != 32 or turn[12] != "7":
        return False
    try:
        made = int(turn[:12], 16) / 1000
    except ValueError:
        return False
    return made >= began


def _mcp(result: object) -> str:
    fields = mapping(result)
    inner = fields.get("Ok", fields)
    return server_result(mapping(inner).get("content")) or tool_output(inner if fields else result)


def _changes(changes: object) -> dict[str, str]:
    """Return path → what was done to it."""
    if isinstance(changes, dict):
        told = {path: mapping(change) for path, change in changes.items()}
        return {
            path: "\n".join(
                filter(None, (string(change.get("type")), plain(change.get("unified_diff", change.get("content")))))
            )
            for path, change in told.items()
        }
    listed = map(mapping, sequence(changes))
    return {string(change.get("path")): string(change.get("kind")) or plain(change.get("kind")) for change in listed}
