"""LLVM IR as text: types, constants bit by bit, and a function body that grows line by line."""

import struct

WIDTH = 8  # plants in a vector
LINE = 8 * WIDTH  # bytes of a vector
REAL, WHOLE, TRUTH = f"<{WIDTH} x double>", f"<{WIDTH} x i64>", f"<{WIDTH} x i1>"
TYPES = {"f": REAL, "i": WHOLE, "b": TRUTH}
MAGIC = 6755399441055744.0  # 1.5 * 2^52: adding it leaves a whole number in the low bits


def real(value: float) -> str:
    """Return a double as LLVM reads it, bit by bit."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def splat(kind: str, value: float) -> str:
    """Return a constant in all lanes."""
    if kind == "f":
        return f"splat (double {real(float(value))})"
    return f"splat (i64 {int(value)})" if kind == "i" else f"splat (i1 {str(bool(value)).lower()})"


class Body:
    """The text of a function, grown line by line; every method returns the name of its result."""

    def __init__(self) -> None:
        """Begin empty."""
        self.lines: list[str] = []

    def line(self, text: str) -> str:
        """Add an instruction and return its result's name."""
        name = f"%v{len(self.lines)}"
        self.lines.append(f"  {name} = {text}")
        return name

    def op(self, op: str, a: str, b: str | float) -> str:
        """Add an instruction of two doubles."""
        return self.line(f"{op} {REAL} {a}, {self.number(b)}")

    def number(self, value: str | float) -> str:
        """Return an operand: a name as it is, a number in all lanes."""
        return value if isinstance(value, str) else splat("f", value)

    def add(self, a: str | float, b: str | float) -> str:
        """Return a + b."""
        return self.op("fadd", self.number(a), b)

    def sub(self, a: str | float, b: str | float) -> str:
        """Return a - b."""
        return self.op("fsub", self.number(a), b)

    def mul(self, a: str | float, b: str | float) -> str:
        """Return a b."""
        return self.op("fmul", self.number(a), b)

    def div(self, a: str | float, b: str | float) -> str:
        """Return a / b."""
        return self.op("fdiv", self.number(a), b)

    def neg(self, a: str) -> str:
        """Return -a."""
        return self.line(f"fneg {REAL} {a}")

    def call(self, name: str, *args: str | float) -> str:
        """Return what a function of doubles gives."""
        given = ", ".join(f"{REAL} {self.number(a)}" for a in args)
        return self.line(f"call {REAL} @{name}({given})")

    def fma(self, a: str, b: str | float, c: str | float) -> str:
        """Return a b + c, rounded once."""
        return self.call("llvm.fma.v8f64", a, b, c)

    def rint(self, a: str) -> str:
        """Return the nearest whole number, the even one of two."""
        return self.call("llvm.rint.v8f64", a)

    def compare(self, how: str, a: str, b: str | float) -> str:
        """Return a truth value in each lane."""
        return self.line(f"fcmp {how} {REAL} {a}, {self.number(b)}")

    def select(self, condition: str, a: str | float, b: str | float) -> str:
        """Return a where the condition holds, else b."""
        return self.line(f"select {TRUTH} {condition}, {REAL} {self.number(a)}, {REAL} {self.number(b)}")

    def integer(self, op: str, a: str, b: str | int) -> str:
        """Add an instruction of two integers."""
        return self.line(f"{op} {WHOLE} {a}, {b if isinstance(b, str) else splat('i', b)}")

    def logic(self, op: str, a: str, b: str) -> str:
        """Add an instruction of two truth values."""
        return self.line(f"{op} {TRUTH} {a}, {b}")

    def bits(self, a: str) -> str:
        """Return the bits of a double."""
        return self.line(f"bitcast {REAL} {a} to {WHOLE}")

    def from_bits(self, a: str) -> str:
        """Return the double of bits."""
        return self.line(f"bitcast {WHOLE} {a} to {REAL}")

    def polynomial(self, x: str, coefficients: tuple[float, ...]) -> str:
        """Return c0 + x (c1 + x (...)), by Horner."""
        result: str | float = coefficients[-1]
        for c in reversed(coefficients[:-1]):
            result = self.add(c, self.mul(x, result))
        return str(result)

    def clamp(self, x: str, least: float, most: float) -> str:
        """Return x within the limits; NaN stays."""
        low = self.select(self.compare("olt", x, least), least, x)
        return self.select(self.compare("ogt", low, most), most, low)

    def power_of_two(self, k: str) -> str:
        """Return 2^k for a whole k that gives a normal number."""
        return self.from_bits(self.integer("shl", self.bits(self.add(k, MAGIC + 1023.0)), 52))

    def scaled(self, y: str, k: str) -> str:
        """Return y * 2^k in two steps: what overflows or underflows is rounded once."""
        half = self.call("llvm.floor.v8f64", self.mul(k, 0.5))
        return self.mul(self.mul(y, self.power_of_two(half)), self.power_of_two(self.sub(k, half)))
