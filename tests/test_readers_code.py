"""Source code: its text as it stands, its title by what it defines, and headings that say in what a line is."""

from __future__ import annotations

import pytest
from extracting import read

from index.records import Extracted

PYTHON = '''"""Reads gauges of the harbour."""

import math


# How far out a gauge may be.
LIMIT = 12


@dataclass
class Gauge:
    """One gauge; class names are those of the maker."""

    depth: float

    def level(self, tide: float) -> float:
        def corrected(value):
            return value * 2

        return corrected(self.depth) + tide

    async def wait(
        self,
        seconds: float,
    ) -> None:
        await sleep(seconds)


def main():
    print(Gauge(3).level(1))


main()
'''
JAVA = """/*
 * Copyright 2019, licensed to nobody.
 */
package harbour;

/** Keeps what class Tide {} is for. */
public final class TideTable<T extends Number> implements Table
{
    private int rows = count(1);

    @Override
    public int rows()
    {
        if (rows > 3) {
            return new Counter() { }.count(rows);
        } else if (rows < 1) {
            throw new IllegalStateException("function of (nothing) {");
        }
        return rows;
    }

    public TideTable(int rows) {
        this.rows = rows;
    }
}
"""
CPP = """#pragma once
class Forward;

namespace harbour {

// Counts ships.
class HARBOUR_API Counter final : public Base {
public:
    explicit Counter(int first)
        : Base(first), total_(first) {}

    int total() const { return total_; }
private:
    int total_;
};

template <typename T>
int Quay::berth(const T& ship) {
    std::for_each(ships.begin(), ships.end(), [&](auto& one) { use(one); });
    return 0;
}

static int spare = 4;
}
"""
RUST = """use std::fmt;

/// A buoy.
pub struct Buoy<T> {
    at: T,
}

impl<T: Into<f64>> fmt::Display for Buoy<T>
where
    T: Clone,
{
    /// Writes it.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "buoy")
    }
}

pub(crate) enum Side { Left, Right }
"""
GO = """package harbour

type Pilot struct {
	name string
}

func (p *Pilot) Guide(ship string) error {
	return nil
}
"""


def place_of(extracted: Extracted, words: str) -> tuple[str, ...]:
    """Return the headings that the words stand under, where they come last."""
    at = extracted.text.rindex(words)
    under = [section.locator.heading for section in extracted.sections if section.start <= at]
    return under[-1] if under else ()


@pytest.mark.parametrize(
    ("source", "name", "title"),
    [
        (PYTHON, "gauge.py", "Gauge"),
        (JAVA, "TideTable.java", "TideTable"),
        (CPP, "counter.hpp", "Counter"),
        (RUST, "buoy.rs", "Buoy, Side"),
        (GO, "pilot.go", "Pilot"),
        ("int main(int argc, char *argv[])\n{\n    return run(argc);\n}\n", "main.c", "main"),
        ("def ring(bell)\n  bell.ring\nend\n\ndef loud?\n  true\nend\n", "bell.rb", "ring, loud?"),
        ("export interface Port { name: string }\nexport const open = 1;\n", "port.ts", "Port"),
        ("fun sail(to: String) = go(to)\n", "sail.kt", "sail"),
    ],
)
def test_a_file_of_code_is_named_after_what_it_defines(source: str, name: str, title: str) -> None:
    assert read(source, name).title == title


def test_a_file_that_defines_nothing_keeps_its_name() -> None:
    assert read("print('ahoy')\n", "ahoy.py").title == ""


def test_the_text_of_code_is_kept_as_it_stands() -> None:
    extracted = read(PYTHON, "gauge.py")
    assert extracted.text == PYTHON
    assert extracted.media_type == "text/x-source"


@pytest.mark.parametrize(
    ("source", "name", "words", "place"),
    [
        (PYTHON, "gauge.py", "LIMIT", ()),
        (PYTHON, "gauge.py", "@dataclass", ("Gauge",)),
        (PYTHON, "gauge.py", "depth: float", ("Gauge",)),
        (PYTHON, "gauge.py", "value * 2", ("Gauge", "level", "corrected")),
        (PYTHON, "gauge.py", "return corrected", ("Gauge", "level")),
        (PYTHON, "gauge.py", "await sleep", ("Gauge", "wait")),
        (PYTHON, "gauge.py", "print(", ("main",)),
        (PYTHON, "gauge.py", "main()", ()),
        (JAVA, "TideTable.java", "package", ()),
        (JAVA, "TideTable.java", "/** Keeps", ("TideTable",)),
        (JAVA, "TideTable.java", "private int", ("TideTable",)),
        (JAVA, "TideTable.java", "@Override", ("TideTable", "rows")),
        (JAVA, "TideTable.java", "return new Counter", ("TideTable", "rows")),
        (JAVA, "TideTable.java", "this.rows", ("TideTable", "TideTable")),
        (CPP, "counter.hpp", "class Forward", ()),
        (CPP, "counter.hpp", "// Counts", ("Counter",)),
        (CPP, "counter.hpp", "{ return total_", ("Counter", "total")),
        (CPP, "counter.hpp", "int total_", ("Counter",)),
        (CPP, "counter.hpp", "template", ("Quay::berth",)),
        (CPP, "counter.hpp", "use(one)", ("Quay::berth",)),
        (CPP, "counter.hpp", "spare", ()),
        (RUST, "buoy.rs", "at: T", ("Buoy",)),
        (RUST, "buoy.rs", "T: Clone", ("Buoy",)),
        (RUST, "buoy.rs", "/// Writes", ("Buoy", "fmt")),
        (RUST, "buoy.rs", "Left", ("Side",)),
        (GO, "pilot.go", "return nil", ("Guide",)),
    ],
)
def test_a_line_of_code_stands_under_the_definitions_around_it(
    source: str, name: str, words: str, place: tuple[str, ...]
) -> None:
    assert place_of(read(source, name), words) == place


def test_code_of_one_line_that_goes_on_for_ever_is_read_at_once() -> None:
    source = "class A { " + "int a(b) { return c; } " * 40_000
    assert read(source, "min.ts").title == "A"
    assert read("a " * 200_000 + "(\n" + "template <" * 50_000, "min.cpp").title == ""
    assert read("def f(" * 30_000, "f.py").title == "f"


def test_many_functions_without_a_body_are_read_in_time_that_grows_with_them() -> None:
    assert read("int f(int a,\n" * 20_000, "f.c").title == ""
