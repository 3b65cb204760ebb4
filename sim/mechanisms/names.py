"""What names in a script mean: local variables, globals, fields."""

from __future__ import annotations

from typing import Final

from sim.errors import UserError, nearest
from sim.mechanisms.code import Code, Path
from sim.mechanisms.graph import Graph, Pointers, Ref

NIL: Final = "nil"


class Names:
    """What names mean in a frame: its variables, then the globals."""

    def __init__(self, code: Code, graph: Graph, path: Path, variables: Pointers) -> None:
        self.code, self.graph, self.path, self.variables = code, graph, path, variables

    def value(self, text: str) -> Ref | None:
        """The pointer in a variable or in a field such as `a.next`; None for nil."""
        if text == NIL:
            return None
        name, dot, field_name = text.partition(".")
        pointers = self.variables if name in self.variables else self.graph.globals
        if name not in pointers:
            valid = [*self.variables, *self.graph.globals]
            known = nearest(name, valid) if valid else "; there are none"
            raise self.error(f"there is no variable {name!r}{known}")
        if not dot:
            return pointers[name]
        return self.fields(pointers[name], name, field_name)[field_name]

    def fields(self, ref: Ref | None, name: str, field_name: str) -> Pointers:
        """The fields of the object to which a variable points."""
        if ref is None:
            raise self.error(f"{name} is nil here, so it has no field {field_name!r}")
        fields = self.graph.fields[ref]
        if field_name not in fields:
            known = nearest(field_name, fields) if fields else ""
            raise self.error(f"the object in {name} has no field {field_name!r}{known}")
        return fields

    def target(self, text: str) -> tuple[Ref | None, str, bool]:
        """Where to write a pointer: holder (None: global), field; True: a local variable."""
        name, dot, field_name = text.partition(".")
        if not dot:
            is_global = name in self.graph.globals and name not in self.variables
            return None, name, not is_global
        ref = self.value(name)
        self.fields(ref, name, field_name)
        return ref, field_name, False

    def parameters(self, function: str, arguments: list[Ref | None]) -> Pointers:
        """The first variables of a call."""
        takes = self.code.functions[function].takes
        if len(takes) != len(arguments):
            raise self.error(f"{function} takes {len(takes)} pointers, got {len(arguments)}")
        return dict(zip(takes, arguments, strict=True))

    def error(self, message: str) -> UserError:
        """A mistake at this step."""
        return self.code.error(self.path, message)
