"""The drawing of a DAG: every job once, no overlap, no text that is taken for code."""

from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from mgscreen.cli.graph import Node, layout, mermaid, svg


@st.composite
def dags(draw):
    nodes = []
    for n in range(draw(st.integers(1, 12))):
        parents = draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else set()
        nodes.append(
            Node(
                uuid=f"u{n}",
                kind=draw(st.sampled_from(["geometry", "orbitals", "esp", "a b"])),
                species=draw(st.sampled_from(["[MgTFSI]+", "DME", "x"])),
                label=draw(st.text(max_size=12)),
                parents=tuple(f"u{p}" for p in sorted(parents)),
                done=draw(st.booleans()),
            )
        )
    return nodes


@settings(max_examples=50, deadline=None)
@given(dags())
def test_parents_stand_left_of_children_and_nobody_on_another(nodes):
    places = layout(nodes)
    assert set(places) == {node.uuid for node in nodes}
    assert len(set(places.values())) == len(nodes)
    for node in nodes:
        assert all(places[parent][0] < places[node.uuid][0] for parent in node.parents)


@settings(max_examples=50, deadline=None)
@given(dags())
def test_mermaid_has_every_job_and_edge_on_its_own_line(nodes):
    lines = mermaid(nodes).splitlines()
    assert lines[0] == "flowchart LR"
    assert sum('["' in line for line in lines) == len(nodes)
    assert sum("-->" in line for line in lines) == sum(len(node.parents) for node in nodes)
    for line in lines:
        if '["' in line:
            label = line.partition('["')[2].rpartition('"]')[0]
            assert not set(label) & set("\"[]{}<>|`'")


HOSTILE = Node("u0", "geometry", "s", '<script>alert("$x$")</script> [MgTFSI]+ $\\frac$', ())


def test_svg_is_well_formed_and_escaped():
    nodes = [HOSTILE, Node("u1", "orbitals", "s", "orbitals [MgTFSI]+", ("u0",), done=True)]
    text = svg(nodes, 'campaign "<b>" $1')
    root = ET.fromstring(text)  # noqa: S314 - written a line above
    assert not [e for e in root.iter() if e.tag.endswith("script")]
    said = "".join(root.itertext())
    assert "orbitals [MgTFSI]+" in said
    assert '<script>alert("$x$")</script>' in said
    assert text == svg(nodes, 'campaign "<b>" $1')
