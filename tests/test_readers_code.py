"""Program code: its text as it stands, and its title by what it defines."""

from __future__ import annotations

import time

import pytest
from extracting import read

from index.readers.code import title_of_code

PYTHON = '''"""Reads gauges.

class name: str
def of(old):
"""
LIMIT = 12


@dataclass
class Gauge(Base):
    """One gauge."""

    def level(self, tide: float) -> float:
        raise KeyError(tide)


async def main():
    print(Gauge(3).level(1))
'''


@pytest.mark.parametrize(
    ("source", "title"),
    [
        (PYTHON, "Gauge"),
        ("def f(x):\n    raise KeyError(x)\n    return {1}\n\nasync def g(\n    x,\n):\n    pass\n", "f, g"),
        ("class G[T]:\n  x = 1\n\nclass Äpfel:\n  x = 1\n", "G, Äpfel"),
        ("/*\n class InComment {\n */\n/** Tides. */\npublic final class Tides<T> implements Table\n{\n}\n", "Tides"),
        ("public record Point(int x, int y) { }\nenum Side { LEFT }\n@interface Own { }\n", "Point, Side"),
        ("#pragma once\nclass Forward;\nclass HARBOUR_API Counter final : public Base {\n};\n", "Counter"),
        ("struct RGB white = {\n 1 };\n\nint main(int argc, char *argv)\n{\n  return run(argc);\n}\n", "main"),
        (
            "#include <x.h>\nif (ready(x)) {\n}\nstatic int sail(void) {\n  go();\n}\nint Quay::berth() const {\n}\n",
            "sail, Quay::berth",
        ),
        (
            "pub struct Buoy<T> {\n}\n\nimpl<T> fmt::Display for Buoy<T> {\n}\n\npub(crate) enum Side { Left }\n",
            "Buoy, Side",
        ),
        ("fn main() {\n    match parse(x) {\n    }\n}\n", "main"),
        ("type Pilot struct {\n}\n\nfunc (p *Pilot) Guide(ship string) error {\n}\n", "Pilot"),
        ("func main() {\n\tdefer func() {\n\t}()\n\tgo worker(ch)\n}\n", "main"),
        ("export interface Port { name: string }\nexport const open = 1;\n", "Port"),
        ("export default function () {\n}\nexport async function sail(to) {\n}\n", "sail"),
        ("class Baz internal constructor(val a: Int) : Bar {\n    fun x() = 1\n}\n", "Baz"),
        ("def ring(bell)\n  puts format('%d', 1)\nend\n\ndef loud?\n  true\nend\n", "ring, loud?"),
        ("print('ahoy')\n", ""),
        ("", ""),
        ("class A:\n x\n" * 3 + "".join(f"class B{i}:\n x\n" for i in range(9)), "A, B0, B1, B2"),
    ],
)
def test_code_is_named_after_what_it_defines(source: str, title: str) -> None:
    assert title_of_code(source) == title


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (PYTHON, "gauge.py"),
        ("<!DOCTYPE html>\n<html><?php class Foo { } ?>hello</html>", "page.php"),
        ("MAGIC = '%PDF-'\nclass A:\n    x = 1", "magic.py"),
        ("From: a\nSubject: b\nTo: c\n\nclass A {}", "a.ts"),
    ],
)
def test_the_text_of_code_is_kept_as_it_stands(source: str, name: str) -> None:
    extracted = read(source, name)
    assert (extracted.text, extracted.media_type) == (source, "text/x-source")
    assert extracted.sections == ()


@pytest.mark.parametrize(
    "line",
    [
        "template < a > " * 19,
        "int f(int a)",
        "impl " + " " * 290,
        "int f(" + ")" * 290,
        "public " * 42,
        "a " * 140 + "(",
        "/*",
        '"""',
    ]
    + ["class " * 49, "x<" * 140, "a::b " * 59, "fun (" * 59],
)
def test_odd_code_is_named_in_time_that_grows_with_it(line: str) -> None:
    began = time.process_time()
    title_of_code(f"{line}\n" * 3000)
    assert time.process_time() - began < 3
