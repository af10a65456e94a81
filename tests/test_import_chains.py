"""How deep the modules import each other, which import-linter does not limit."""

from graphlib import TopologicalSorter

import grimp

# Whoever reads a module must know at most this many, itself included.
LONGEST = 12


def test_no_chain_of_imports_is_long_and_none_is_a_cycle() -> None:
    graph = grimp.build_graph(
        "attendance", "config", "launcher", "recognition", exclude_type_checking_imports=True
    )
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    chains: dict[str, list[str]] = {}
    for module in TopologicalSorter(imports).static_order():
        below = max((chains[each] for each in imports[module]), key=len, default=[])
        chains[module] = [module, *below]
    longest = max(chains.values(), key=len)
    assert len(longest) <= LONGEST, " imports ".join(longest)
