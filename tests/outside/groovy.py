"""Parses a Groovy file, such as a Jenkinsfile, and says where it cannot be."""

import sys
from pathlib import Path

import tree_sitter
import tree_sitter_groovy


def faults(node):
    """Every place below a node that is no Groovy."""
    if node.is_error or node.is_missing:
        yield node
    for child in node.children:
        yield from faults(child)


parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_groovy.language()))
tree = parser.parse(Path(sys.argv[1]).read_bytes())
found = [f"{node.start_point.row + 1}: {node.type}" for node in faults(tree.root_node)]
print("\n".join(found))
sys.exit(bool(found))
