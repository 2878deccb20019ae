"""The MCP server: tools and documents for assistants, on stdio or over HTTP. A front like qa/web and qa/cli."""
