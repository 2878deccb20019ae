"""What is too much is refused at once: requests a minute, requests that wait, calls to the LLM; proxies that are not ours."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from pydantic import ValidationError

from qa.config import Settings
from qa.errors import LLMError
from qa.processors import Processors
from qa.slots import Slots
from qa.web import create_app
from qa.web.admission import Admission
from qa.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]


def from_address(address: str) -> dict[str, dict[str, str]]:
    return {"environ_overrides": {"REMOTE_ADDR": address}}


def test_requests_beyond_the_limit_are_told_when_to_come_back(corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    client = create_app(make_workspace(corpus.settings.data, rate_limit=5)).test_client()
    statuses = [client.get("/api/documents").status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    refused = client.get("/api/documents")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.content_type == "application/problem+json"
    assert refused.get_json()["error"]["code"] == refused.get_json()["code"] == "rate_limited"
    assert client.get("/healthz").status_code == 200
    with client.get("/static/style.css") as style:
        assert style.status_code == 200
    assert client.get("/api/documents", **from_address("10.0.0.9")).status_code == 200


def test_each_key_and_each_address_without_one_is_counted_apart(corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    app = create_app(make_workspace(corpus.settings.data, rate_limit=3))
    client = app.test_client()
    keys = [app.extensions["door"].ring.make("read")[1] for _ in range(2)]
    for key in keys:
        headers = {"Authorization": f"Bearer {key}"}
        used = [client.get("/api/documents", headers=headers, **from_address(f"10.0.0.{n}")).status_code for n in range(4)]
        assert used == [200, 200, 200, 429], "a key is counted wherever it is used from"
    wrong = [client.get("/api/documents", headers={"X-API-Key": f"guess{n}"}).status_code for n in range(4)]
    assert wrong == [401, 401, 401, 429], "who tries keys is counted by address"
    network = [client.get("/api/documents", **from_address(f"2001:db8::{n}")).status_code for n in range(1, 5)]
    assert network[-1] == 429, "one machine has many addresses of IPv6"


def test_questions_have_a_limit_of_their_own(corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    client = create_app(make_workspace(corpus.settings.data, ask_limit=2)).test_client()
    statuses = [client.post("/api/ask", json={"question": "?"}).status_code for _ in range(3)]
    assert statuses == [422, 422, 429]
    assert client.get("/api/documents").status_code == 200


def test_no_limit_is_a_choice(corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    client = create_app(make_workspace(corpus.settings.data, rate_limit=0, ask_limit=0)).test_client()
    assert {client.get("/api/answers/a0").status_code for _ in range(30)} == {404}


def test_another_address_in_a_header_gives_no_further_requests(corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    client = create_app(make_workspace(corpus.settings.data, rate_limit=3)).test_client()
    rotating = [{"X-Forwarded-For": f"10.1.1.{n}", "Forwarded": f"for=10.1.1.{n}"} for n in range(5)]
    assert [client.get("/api/documents", headers=one).status_code for one in rotating] == [200, 200, 200, 429, 429]


def test_only_a_proxy_of_the_settings_is_believed(corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(corpus.settings.data, rate_limit=1, trusted_proxies="10.0.0.0/8, 127.0.0.1")

    def get(peer: str, said: str) -> int:
        return client.get("/api/documents", headers={"X-Forwarded-For": said}, **from_address(peer)).status_code

    client = create_app(workspace).test_client()
    assert [get("127.0.0.1", "203.0.113.1"), get("127.0.0.1", "203.0.113.2")] == [200, 200]
    assert get("10.2.3.4", "198.51.100.9, 203.0.113.1, 10.9.9.9") == 429, "what stands before the client is made up"
    assert [get("192.0.2.1", "203.0.113.7"), get("192.0.2.1", "203.0.113.8")] == [200, 429]
    assert get("127.0.0.1", "no address") == 200


def test_a_trusted_proxy_tells_that_the_client_uses_https(corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    app = create_app(make_workspace(corpus.settings.data, trusted_proxies="127.0.0.1"))
    _, key = app.extensions["door"].ring.make("read")
    for peer, secure in (("127.0.0.1", True), ("192.0.2.1", False)):
        headers = {"X-Forwarded-Proto": "https"}
        sent = app.test_client().post("/sign-in", data={"key": key}, headers=headers, **from_address(peer))
        assert ("Secure" in sent.headers["Set-Cookie"]) == secure


def test_a_proxy_that_is_no_network_is_an_error_of_the_settings() -> None:
    with pytest.raises(ValidationError):
        Settings(trusted_proxies=("nginx",))


# Turns


def test_so_many_work_so_many_wait_and_the_rest_are_refused_at_once() -> None:
    admission = Admission(at_once=2, queue=3)
    entered: list[bool] = []
    threads = [threading.Thread(target=lambda: entered.append(admission.enter())) for _ in range(5)]
    for one in threads:
        one.start()
    deadline = time.monotonic() + 5
    while len(entered) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    began = time.monotonic()
    refused = []
    while not refused and time.monotonic() < began + 5:  # the five threads may not all have come yet
        if not admission._waiting.acquire(blocking=False):
            refused.append(admission.enter())
        else:
            admission._waiting.release()
    assert refused == [False]
    assert entered == [True, True]
    for _ in range(5):
        admission.leave()
        time.sleep(0.02)
    for one in threads:
        one.join(5)
    assert entered == [True] * 5


def test_a_full_server_says_so_and_still_answers_health_checks(corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    app = create_app(make_workspace(corpus.settings.data, at_once=1, queue=0))
    admission, client = app.extensions["admission"], app.test_client()
    assert admission.enter()
    refused = client.get("/api/documents")
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.get_json()["error"]["code"] == "overloaded"
    assert refused.get_json()["request_id"]
    for path in ("/healthz", "/readyz", "/static/style.css"):
        with client.get(path) as answered:
            assert answered.status_code == 200, path
    admission.leave()
    assert client.get("/api/documents").status_code == 200


def test_no_more_questions_are_searched_for_at_once_than_there_are_processors(corpus: Workspace) -> None:
    client, done = create_app(corpus).test_client(), []
    with ExitStack() as busy:
        for _ in range(os.cpu_count() or 1):
            busy.enter_context(corpus.processors)
        asked = threading.Thread(target=lambda: done.append(client.post("/api/ask", json={"question": "What is the MTCR?"})))
        asked.start()
        assert create_app(corpus).test_client().get("/api/documents").status_code == 200, (
            "what computes little does not wait"
        )
        asked.join(0.3)
        assert not done
    asked.join(30)
    assert [one.status_code for one in done] == [200]


def test_who_waits_for_a_processor_gets_the_next_turn_before_who_comes_later() -> None:
    processors, order = Processors(1), []

    def take(number: int) -> None:
        with processors:
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
    with processors:
        for number, thread in enumerate(threads):
            thread.start()
            while processors.waiting <= number:
                time.sleep(0.001)
    with processors:  # comes when all wait, and so has its turn last
        order.append(4)
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4]
    with processors:
        pass  # every turn was given back


def test_who_gives_up_waiting_leaves_the_turn_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    processors = Processors(1)

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    with processors, monkeypatch.context() as patch:
        patch.setattr(threading, "Event", Interrupted)
        with pytest.raises(KeyboardInterrupt), processors:
            pass
    assert processors.waiting == 0
    with processors:
        pass


def test_a_turn_is_given_back_by_who_fails() -> None:
    processors = Processors(1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), processors:
            raise ZeroDivisionError


@pytest.mark.parametrize("path", ["/api/documents", "/api/documents/d0", "/nothing", "/api/documents?limit=x", "/", "/map"])
def test_every_turn_ends(path: str, corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    client = create_app(make_workspace(corpus.settings.data, at_once=1, queue=0)).test_client()
    for _ in range(3):
        assert client.get(path).status_code != 503


def test_a_stream_holds_its_turn_until_it_ends(corpus: Workspace, make_workspace: MakeWorkspace) -> None:
    client = create_app(make_workspace(corpus.settings.data, at_once=1, queue=0)).test_client()
    body, accept = {"question": "What is the MTCR?", "k": 1}, {"Accept": "text/event-stream"}
    for end in ("read", "close"):
        stream = client.post("/api/ask", json=body, headers=accept)
        assert stream.status_code == 200
        assert client.get("/api/documents").status_code == 503
        if end == "read":
            assert "event: done" in stream.get_data(as_text=True)
        stream.close()
        assert client.get("/api/documents").status_code == 200


# Calls to the LLM


def test_no_more_calls_than_slots_go_on_at_once() -> None:
    slots, now, most = Slots(2), [0], [0]
    lock = threading.Lock()

    def call() -> None:
        with slots.one(time.monotonic() + 30, lambda: None):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.05)
            with lock:
                now[0] -= 1

    threads = [threading.Thread(target=call) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert most == [2]


def test_who_finds_no_slot_in_half_the_time_is_told_so() -> None:
    slots = Slots(1)
    with slots.one(time.monotonic() + 30, lambda: None):
        began = time.monotonic()
        with pytest.raises(LLMError) as caught, slots.one(began + 0.6, lambda: None):
            pass
    assert caught.value.reason == "busy"
    assert 0.2 < time.monotonic() - began < 5
    with slots.one(time.monotonic() + 1, lambda: None):
        pass
