"""One small change of a source file at a time: what a mistyped, forgotten or turned piece of it would be."""

import ast
from dataclasses import dataclass

COMPARED = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
CALCULATED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
OTHERS = {
    "Outcome": ("SESSION_OVER", "CREDENTIALS_BAD"),
    "Reason": ("EXPIRED", "UNKNOWN"),
    "WeakForm": ("QUERY_TOKEN", "PLAIN_HTTP"),
}
"""Members of our enumerations, each put where another stands: two, so that the one that stands there has another."""

DESCRIBING = frozenset({"asked", "schema", "words"})
"""Methods that only tell OpenAPI and the pages what is asked for."""

TOLD = frozenset({"compile", "field", "like", "schema_like"})
"""Calls whose texts people read, or that are patterns; and what only says how a dataclass is shown."""


@dataclass(frozen=True)
class Change:
    """
    One mutant.

    Args:
        line: Where it begins, counted from 1.
        span: The characters of the source that it replaces, first and behind the last.
        text: What stands there then.
        what: It, in words.
        lines: Those of its statement, or of the head of its block.

    """

    line: int
    span: tuple[int, int]
    text: str
    what: str
    lines: range

    def __str__(self) -> str:
        return f"{self.line}: {self.what}: {self.text}"

    def made(self, source: str) -> str:
        return source[: self.span[0]] + self.text + source[self.span[1] :]


def changes(source: str) -> list[Change]:
    """Return every change of *source* that is another program, in its order."""
    found = _Finder(source)
    found.visit(ast.parse(source))
    same = ast.dump(ast.parse(source))
    kept: dict[str, Change] = {}
    for change in found.changes:
        try:
            changed = ast.dump(ast.parse(change.made(source)))
        except SyntaxError:
            continue
        if changed != same:
            kept.setdefault(changed, change)
    return sorted(kept.values(), key=lambda change: (change.span, change.text))


class _Finder(ast.NodeVisitor):
    def __init__(self, source: str) -> None:
        self.changes: list[Change] = []
        self._statement = range(0)
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def _place(self, line: int, column: int) -> int:
        """Columns of the tree count bytes."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def _change(self, node: ast.expr | ast.stmt, text: str, what: str) -> None:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        span = self._place(node.lineno, node.col_offset), self._place(end_line, end_column)
        self.changes.append(Change(node.lineno, span, text, what, self._statement))

    def visit(self, node: ast.AST) -> None:
        before = self._statement
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if body else node.end_lineno or node.lineno
            self._statement = range(node.lineno, max(end, node.lineno) + 1)
        super().visit(node)
        self._statement = before

    def _instead(self, node: ast.expr, other: ast.expr, what: str) -> None:
        self._change(node, f"({ast.unparse(ast.fix_missing_locations(other))})", what)

    # What is not changed: what is only read by people, or by a type checker.

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name in DESCRIBING or not _does_something(node):
            return
        for default in (*node.args.defaults, *(each for each in node.args.kw_defaults if each is not None)):
            self.visit(default)
        for statement in node.body[_is_docstring(node.body[0]) :]:
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            self.visit(statement)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """What a step announces as its endings is held to what calls come to by `tests/conformance/test_endings.py`."""
        if node.value is not None and not (isinstance(node.target, ast.Name) and node.target.id == "ENDS"):
            self.visit(node.value)

    def visit_Assert(self, node: ast.Assert) -> None:
        """Ours only tell the type checker what holds."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Sentences, and addresses of what is stored."""

    def visit_Raise(self, node: ast.Raise) -> None:
        self._change(node, "pass", "raise dropped")
        if isinstance(node.exc, ast.Call):
            for argument in node.exc.args:
                if not isinstance(argument, ast.Constant):
                    self.visit(argument)
            for keyword in node.exc.keywords:
                if isinstance(keyword.value, ast.Attribute):
                    self.visit(keyword.value)

    # Statements.

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring, or what stands for one
        what = "yield dropped" if isinstance(node.value, (ast.Yield, ast.YieldFrom)) else "call dropped"
        self._change(node, "pass", what)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(not isinstance(target, ast.Name) for target in node.targets):
            self._change(node, "pass", "assignment dropped")
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._change(node, "pass", "assignment dropped")
        self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is None:
            self._change(node, "pass", "return dropped")
        elif not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._change(node, "return None", "None returned")
            self.visit(node.value)

    def visit_Continue(self, node: ast.Continue) -> None:
        self._change(node, "break", "break for continue")

    def visit_Break(self, node: ast.Break) -> None:
        self._change(node, "continue", "continue for break")

    def visit_If(self, node: ast.If) -> None:
        self._decided(node.test)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._change(node.test, "False", "never true")
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if isinstance(node.type, ast.Tuple):
            for index, each in enumerate(node.type.elts):
                rest = [other for at, other in enumerate(node.type.elts) if at != index]
                self._instead(node.type, ast.Tuple(rest, ast.Load()), f"{ast.unparse(each)} not caught")
        for statement in node.body:
            self.visit(statement)

    # Expressions.

    def _decided(self, test: ast.expr) -> None:
        self._change(test, "True", "always true")
        self._change(test, "False", "never true")

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._decided(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for condition in node.ifs:
            self._change(condition, "True", "filter dropped")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for index, each in enumerate(node.values):
            rest = [value for at, value in enumerate(node.values) if at != index]
            left = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
            self._instead(node, left, f"{ast.unparse(each)} dropped")
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._instead(node, ast.BoolOp(other, node.values), f"{type(other).__name__.lower()} for the other")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, (ast.Not, ast.USub)):
            self._instead(node, node.operand, f"{'not' if isinstance(node.op, ast.Not) else 'minus'} dropped")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for index, op in enumerate(node.ops):
            for other in COMPARED[type(op)]:
                ops = [other() if at == index else each for at, each in enumerate(node.ops)]
                self._instead(node, ast.Compare(node.left, ops, node.comparators), f"{other.__name__} compared")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        other = CALCULATED.get(type(node.op))
        if other is not None:
            self._instead(node, ast.BinOp(node.left, other(), node.right), f"{other.__name__} calculated")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in TOLD:
            return
        for keyword in node.keywords:
            rest = [each for each in node.keywords if each is not keyword]
            self._instead(node, ast.Call(node.func, node.args, rest), f"{keyword.arg}= left out")
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id in OTHERS:
            name = next(other for other in OTHERS[node.value.id] if other != node.attr)
            self._change(node, f"{node.value.id}.{name}", f"{name} for {node.attr}")
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        """What has a `type` is JSON Schema, for OpenAPI."""
        if not any(isinstance(key, ast.Constant) and key.value == "type" for key in node.keys):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._change(node, str(not value), f"{not value} for {value}")
        elif isinstance(value, int):
            self._change(node, str(value + 1), f"{value + 1} for {value}")
            if value > 0:
                self._change(node, str(value - 1), f"{value - 1} for {value}")
        elif isinstance(value, str) and value:
            self._change(node, repr(f"{value}~"), f"another text than {value!r}")


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _does_something(node: ast.FunctionDef) -> bool:
    """A method of a protocol is its docstring."""
    return not all(_is_docstring(statement) for statement in node.body)
