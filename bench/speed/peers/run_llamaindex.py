"""LlamaIndex with FAISS, as its page on the FAISS vector store shows it: `VectorStoreIndex` over `IndexFlatL2`, `persist`.

Passages become nodes by hand ("Defining and customizing nodes"): its splitter needs a download and would cut differently.
Variants: "default" is FaissVectorStore, which cannot delete, with the embedder as it comes (float32, batches of 10);
"fast" is FaissMapVectorStore, its store that can, and the model in bfloat16, batches of 32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import faiss
from llama_index.core import StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.faiss import FaissMapVectorStore, FaissVectorStore
from wire import Hits, serve

_DIMENSION = 384


class LlamaIndex:
    """One VectorStoreIndex over FAISS."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._fast = options["variant"] == "fast"
        fast = {"embed_batch_size": 32, "model_kwargs": {"dtype": "bfloat16"}} if self._fast else {}
        self._model = HuggingFaceEmbedding(model_name=options["model"], device="cpu", **fast)
        self._index: VectorStoreIndex

    def index(self, ids: Sequence[str], texts: Sequence[str], vectors: Any) -> None:
        """Index passages, from their vectors where they are given: what has an embedding is not embedded."""
        flat = faiss.IndexFlatL2(_DIMENSION)
        store = FaissMapVectorStore(faiss.IndexIDMap2(flat)) if self._fast else FaissVectorStore(faiss_index=flat)
        nodes = [_node(*one) for one in zip(ids, texts, strict=True)]
        for node, vector in zip(nodes, [] if vectors is None else vectors.tolist(), strict=False):
            node.embedding = vector
        context = StorageContext.from_defaults(vector_store=store)
        self._index = VectorStoreIndex(nodes, storage_context=context, embed_model=self._model)
        self._retrievers: dict[int, Any] = {}

    def save(self, place: str) -> None:
        """Write FAISS's index, the nodes and the index structure."""
        self._index.storage_context.persist(persist_dir=place)

    def open(self, place: str) -> None:
        """Read them."""
        kind = FaissMapVectorStore if self._fast else FaissVectorStore
        context = StorageContext.from_defaults(vector_store=kind.from_persist_dir(place), persist_dir=place)
        self._index = load_index_from_storage(context, embed_model=self._model)
        self._retrievers = {}

    def search(self, question: str, k: int) -> Hits:
        """Find the k nearest passages."""
        if k not in self._retrievers:
            self._retrievers[k] = self._index.as_retriever(similarity_top_k=k)
        return [(one.node.node_id, one.node.get_content()) for one in self._retrievers[k].retrieve(question)]

    def add(self, document: str, texts: Sequence[str]) -> None:
        """Add a document."""
        self._index.insert_nodes([_node(f"{document}#{number}", text) for number, text in enumerate(texts)])

    def delete(self, document: str, passages: int) -> None:
        """Remove a document; raises NotImplementedError where the store cannot."""
        if not self._fast:
            raise NotImplementedError("FaissVectorStore cannot delete")
        ids = [f"{document}#{number}" for number in range(passages)]
        self._index.delete_nodes(ids, delete_from_docstore=True)


def _node(passage: str, text: str) -> TextNode:
    source = RelatedNodeInfo(node_id=passage.rsplit("#", 1)[0])
    return TextNode(id_=passage, text=text, relationships={NodeRelationship.SOURCE: source})


if __name__ == "__main__":
    serve(LlamaIndex)
