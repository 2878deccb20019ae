"""What can be searched: reading, splitting, embedding, storing and searching. Knows no LLM and no HTTP."""
