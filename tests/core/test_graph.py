"""Which graphs may be sent at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.errors import Invalid
from safelight.core.graph import (
    batch_literals,
    canonical,
    check_graph,
    feeding,
    graph_hash,
    links,
    saving_nodes,
    targets,
)
from tests.core import graphs
from tests.core.graphs import node


def refused(document: Any, **options: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        check_graph(document, **options)
    return caught.value


def with_inputs(**inputs: Any) -> dict[str, Any]:
    return {**graphs.quick(), "9": node("Extra", **inputs)}


@pytest.mark.parametrize("family", graphs.FAMILIES)
def test_families_pass_unchanged(family: Any) -> None:
    graph = family()
    assert check_graph(graph) is graph
    assert graph == family()


def test_what_an_export_carries_besides_is_kept() -> None:
    graph = graphs.quick()
    graph["1"]["_meta"] = {"title": "Leer"}
    assert check_graph(graph)["1"]["_meta"] == {"title": "Leer"}


@pytest.mark.parametrize("document", [None, [], "x", 5, {}])
def test_no_graph(document: Any) -> None:
    assert refused(document).code == "bad-workflow"


def test_the_editors_format_is_refused_with_the_way_out() -> None:
    error = refused(graphs.editor_format())
    assert error.code == "workflow-ui-format"
    assert "Export (API)" in error.detail
    assert "Save (API Format)" in error.detail


def test_a_wrapped_graph_is_refused_with_the_way_out() -> None:
    error = refused({"prompt": graphs.quick(), "client_id": "x"})
    assert error.errors[0].pointer == "/prompt"
    assert "inside" in error.detail


def test_a_node_may_be_called_prompt() -> None:
    check_graph({"prompt": node("SaveImage", filename_prefix="x")})


POISON: list[tuple[Any, str]] = [
    ({"9": None}, "/9"),
    ({"9": []}, "/9"),
    ({"9": {"inputs": {}}}, "/9/class_type"),
    ({"9": {"class_type": "", "inputs": {}}}, "/9/class_type"),
    ({"9": {"class_type": ["X"], "inputs": {}}}, "/9/class_type"),
    ({"9": {"class_type": "X"}}, "/9/inputs"),
    ({"9": {"class_type": "SaveImage", "inputs": None}}, "/9/inputs"),
    ({"9": {"class_type": "X", "inputs": []}}, "/9/inputs"),
    ({"9": {"class_type": "X", "inputs": {}, "_meta": None}}, "/9/_meta"),
    ({"": node("X")}, "/"),
    ({"a.b": node("X")}, "/a.b"),
    ({"a,b": node("X")}, "/a,b"),
    ({"a\n": node("X")}, "/a\n"),
    ({"a/b~": []}, "/a~1b~0"),
    ({"x" * 65: node("X")}, "/" + "x" * 64),
    ({"9": node("X", image=["1"])}, "/9/inputs/image"),
    ({"9": node("X", image=[])}, "/9/inputs/image"),
    ({"9": node("X", image=[1, 0])}, "/9/inputs/image"),
    ({"9": node("X", image=["1", "0"])}, "/9/inputs/image"),
    ({"9": node("X", image=["1", True])}, "/9/inputs/image"),
    ({"9": node("X", image=["1", 0.0])}, "/9/inputs/image"),
    ({"9": node("X", image=["1", -1])}, "/9/inputs/image"),
    ({"9": node("X", image=["77", 0])}, "/9/inputs/image"),
    ({"9": node("X", **{"a/b": ["77", 0]})}, "/9/inputs/a~1b"),
]


@pytest.mark.parametrize(("nodes", "pointer"), POISON, ids=range(len(POISON)))
def test_poison_is_refused_even_where_no_output_reaches(nodes: Any, pointer: str) -> None:
    error = refused({**graphs.quick(), **nodes})
    assert error.code == "bad-workflow"
    assert error.errors[0].pointer == pointer


def test_all_faults_are_told_at_once_up_to_twenty() -> None:
    nodes: dict[str, Any] = {str(number): {"inputs": None} for number in range(50, 80)}
    assert len(refused({**graphs.quick(), "50": {}}).errors) == 2
    assert len(refused({**graphs.quick(), **nodes}).errors) == 20


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**64, -(2**63) - 1, "a\x00b", "\ud800", b"x", {5: 1}, ()]
)
def test_values_that_cannot_be_sent_or_stored(value: Any) -> None:
    assert refused(with_inputs(value=value)).errors[0].pointer.startswith("/9/inputs")


@pytest.mark.parametrize("name", ["a\x00b", "\udfff"])
def test_names_that_cannot_be_stored(name: str) -> None:
    assert refused(with_inputs(**{name: 1})).errors[0].pointer == "/9/inputs"


def test_ordinary_values_pass() -> None:
    wrapped = {"__value__": [1, 2, None]}
    check_graph(with_inputs(seed=2**64 - 1, on=True, none=None, cfg=1.5, curve=wrapped, text="é😀"))


def test_depth() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = {"x": value}
        return value

    check_graph(with_inputs(value=nested(29)))
    assert "nested" in refused(with_inputs(value=nested(30))).detail
    assert "nested" in refused(with_inputs(value=nested(100_000))).detail


def test_size() -> None:
    assert "bytes" in refused(with_inputs(text="x" * 1_048_576)).detail
    many: dict[str, Any] = {str(number): node("SaveImage") for number in range(2_001)}
    assert "2001 nodes" in refused(many).detail
    del many["0"]
    check_graph(many)


def test_circles() -> None:
    graph = graphs.quick()
    graph["1"]["inputs"]["image"] = ["2", 0]
    assert refused(graph).errors[0].pointer == "/1"
    graph["1"]["inputs"]["image"] = ["1", 0]
    assert "circle" in refused(graph).detail


def test_a_long_chain_needs_no_recursion() -> None:
    graph: dict[str, Any] = {"0": node("EmptyImage")}
    for number in range(1, 1_999):
        graph[str(number)] = node("ImageBlur", image=[str(number - 1), 0])
    graph["save"] = node("SaveImage", images=["1998", 0])
    check_graph(graph)
    assert len(feeding(graph, "save")) == 2_000


def test_without_a_saver_one_must_be_named() -> None:
    graph = {"1": node("EmptyImage"), "2": node("MyExporter", images=["1", 0])}
    assert "slots = { output" in refused(graph).detail
    assert check_graph(graph, output="2") is graph


@pytest.mark.parametrize(
    ("class_type", "saves"),
    [
        ("SaveImage", True),
        ("Image Save", True),
        ("SaveImageExtended", True),
        ("Image Saver", True),
        ("Save Image w/Metadata", True),
        ("easy imageSave", True),
        ("PreviewImage", False),
        ("SaveImageWebsocket", False),
        ("SaveLatent", False),
        ("LoadImage", False),
    ],
)
def test_known_savers(class_type: str, saves: bool) -> None:
    assert (saving_nodes({"1": node(class_type)}) == ["1"]) is saves


def test_two_savers() -> None:
    assert saving_nodes(graphs.two_outputs()) == ["3", "5"]


def test_walking() -> None:
    graph = graphs.quick()
    assert feeding(graph, "3") == ["3", "2", "1"]
    assert links(graph["2"]) == [("image", "1", 0)]
    assert targets("6.text_g,6.a.b") == [("6", "text_g"), ("6", "a.b")]


def test_batch_literals() -> None:
    assert list(batch_literals(graphs.quick(4), "3")) == [("1", 4)]
    assert list(batch_literals(graphs.quick(1), "3")) == []
    linked = graphs.quick()
    linked["1"]["inputs"]["batch_size"] = ["7", 0]
    linked["7"] = node("PrimitiveInt", value=4)
    assert list(batch_literals(linked, "3")) == []
    rebatched = {**graphs.quick(), "2": node("RebatchImages", images=["1", 0], batch_size=4)}
    assert list(batch_literals(rebatched, "3")) == []


KEYS = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=5)
LITERALS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    KEYS,
)


@given(st.dictionaries(KEYS, LITERALS, max_size=4), st.randoms())
def test_the_hash_does_not_depend_on_order(inputs: dict[str, Any], random: Any) -> None:
    graph = check_graph(with_inputs(**inputs) if inputs else graphs.quick())
    shuffled = list(graph.items())
    random.shuffle(shuffled)
    assert graph_hash(dict(shuffled)) == graph_hash(graph)
    assert json.loads(canonical(graph)) == graph
    assert canonical(graph).isascii()


def test_the_hash_sees_every_value() -> None:
    assert len(graph_hash(graphs.quick())) == 64
    assert graph_hash(graphs.quick()) != graph_hash(graphs.quick(2))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["1", "class_type", "inputs", "_meta", "x"]), inner)
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_document_is_a_graph_or_invalid(document: Any) -> None:
    try:
        graph = check_graph({**graphs.quick(), "9": document})
    except Invalid:
        return
    assert json.loads(canonical(graph)) == graph
