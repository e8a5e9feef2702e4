"""Elementary functions as LLVM IR on eight doubles, without branches: the same bits on every machine.

Polynomials and reductions are those of fdlibm (Sun Microsystems 1993, in the form of FreeBSD and musl), each within
2 ulp; ``pow`` takes the logarithm in two doubles, so its relative error is below 2 ulp + 3e-18 times the exponent.
Fused multiply-adds are written out where they make a remainder exact, and stand nowhere else.
"""

from collections.abc import Callable

from plc_sim.compiled.ir import MAGIC, REAL, TRUTH, WHOLE, Body, splat

LOG2E = 1.4426950408889634
LN2_HI, LN2_LO = 6.93147180369123816490e-01, 1.90821492927058770002e-10
LN2, LN2_TAIL = 0.6931471805599453, 2.3190468138462996e-17
EXP_P = (1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05,
         -1.65339022054652515390e-06, 4.13813679705723846039e-08)  # fmt: skip
EXPM1_Q = (-3.33333333333331316428e-02, 1.58730158725481460165e-03, -7.93650757867487942473e-05,
           4.00821782732936239552e-06, -2.01099218183624371326e-07)  # fmt: skip
LOG_L = (6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
         1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01)  # fmt: skip
SIN_S = (-1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
         2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10)  # fmt: skip
COS_C = (4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
         -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11)  # fmt: skip
PI_2 = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
TWO_52 = 4503599627370496.0
ONE_BITS, ROOT_BITS = 0x3FF0_0000_0000_0000, 0x3FE6_A09E_0000_0000  # of 1 and about sqrt(1/2)
MANTISSA = 0x000F_FFFF_FFFF_FFFF
INF, NAN = float("inf"), float("nan")


def _exp_of(b: Body, k: str, hi: str, lo: str) -> str:
    """Return 2^k exp(hi - lo) for a small difference."""
    r = b.sub(hi, lo)
    t = b.mul(r, r)
    c = b.sub(r, b.mul(t, b.polynomial(t, EXP_P)))
    y = b.sub(1.0, b.sub(b.sub(lo, b.div(b.mul(r, c), b.sub(2.0, c))), hi))
    return b.scaled(y, k)


def _exp(b: Body, x: str) -> str:
    x = b.clamp(x, -746.0, 710.0)
    k = b.rint(b.mul(x, LOG2E))
    return _exp_of(b, k, b.sub(x, b.mul(k, LN2_HI)), b.mul(k, LN2_LO))


def _exp2(b: Body, x: str) -> str:
    x = b.clamp(x, -1080.0, 1025.0)
    k = b.rint(x)
    r = b.sub(x, k)
    hi = b.mul(r, LN2)
    tail = b.fma(r, LN2_TAIL, b.fma(r, LN2, b.neg(hi)))
    return _exp_of(b, k, hi, b.neg(tail))


def _expm1(b: Body, x: str) -> str:
    x = b.clamp(x, -60.0, 710.0)
    k = b.rint(b.mul(x, LOG2E))
    hi, lo = b.sub(x, b.mul(k, LN2_HI)), b.mul(k, LN2_LO)
    r = b.sub(hi, lo)
    c = b.sub(b.sub(hi, r), lo)
    half = b.mul(0.5, r)
    square = b.mul(r, half)
    r1 = b.add(1.0, b.mul(square, b.polynomial(square, EXPM1_Q)))
    t = b.sub(3.0, b.mul(r1, half))
    e = b.mul(square, b.div(b.sub(r1, t), b.sub(6.0, b.mul(r, t))))
    e = b.sub(b.sub(b.mul(r, b.sub(e, c)), c), square)
    small = b.sub(r, e)
    rest = b.sub(1.0, b.power_of_two(b.neg(b.clamp(k, -100.0, 100.0))))
    return b.scaled(b.add(rest, small), k)


def _mantissa(b: Body, bits: str) -> tuple[str, str]:
    """Return (k, m) of the positive normal number 2^k m with sqrt(1/2) < m < sqrt(2)."""
    moved = b.integer("add", bits, ONE_BITS - ROOT_BITS)
    biased = b.integer("or", b.integer("lshr", moved, 52), 0x4330_0000_0000_0000)
    k = b.sub(b.from_bits(biased), TWO_52 + 1023.0)
    return k, b.from_bits(b.integer("add", b.integer("and", moved, MANTISSA), ROOT_BITS))


def _normal(b: Body, x: str) -> tuple[str, str]:
    """Return (k, m) of a positive number that may be subnormal."""
    is_small = b.compare("olt", x, 2.0**-1022)
    k, m = _mantissa(b, b.bits(b.select(is_small, b.mul(x, 2.0**54), x)))
    return b.sub(k, b.select(is_small, 54.0, 0.0)), m


def _log_rest(b: Body, f: str) -> tuple[str, str, str]:
    """Return (s, R, f^2 / 2) of log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + R)."""
    half = b.mul(b.mul(0.5, f), f)
    s = b.div(f, b.add(2.0, f))
    z = b.mul(s, s)
    w = b.mul(z, z)
    even = b.mul(w, b.polynomial(w, LOG_L[1::2]))
    odd = b.mul(z, b.polynomial(w, LOG_L[0::2]))
    return s, b.add(odd, even), half


def _log_edges(b: Body, x: str, result: str, zero: float) -> str:
    """Return ``result``, or what the logarithm is at its pole ``zero``, below it, at infinity and for NaN."""
    edge = b.select(b.compare("oeq", x, zero), -INF, b.select(b.compare("oeq", x, INF), INF, NAN))
    inside = b.logic("and", b.compare("ogt", x, zero), b.compare("olt", x, INF))
    return b.select(inside, result, edge)


def _log(b: Body, x: str) -> str:
    k, m = _normal(b, x)
    f = b.sub(m, 1.0)
    s, r, half = _log_rest(b, f)
    result = b.add(b.mul(s, b.add(half, r)), b.mul(k, LN2_LO))
    return _log_edges(b, x, b.add(b.add(b.sub(result, half), f), b.mul(k, LN2_HI)), 0.0)


def _log1p(b: Body, x: str) -> str:
    u = b.add(1.0, x)
    k, m = _mantissa(b, b.bits(u))
    lost = b.select(b.compare("oge", k, 2.0), b.sub(1.0, b.sub(u, x)), b.sub(x, b.sub(u, 1.0)))
    is_small = b.logic("and", b.compare("ogt", x, -0.2928932188134524), b.compare("olt", x, 0.41421356237309503))
    k = b.select(is_small, 0.0, k)
    c = b.select(is_small, 0.0, b.div(lost, u))
    f = b.select(is_small, x, b.sub(m, 1.0))
    s, r, half = _log_rest(b, f)
    result = b.add(b.mul(s, b.add(half, r)), b.add(b.mul(k, LN2_LO), c))
    return _log_edges(b, x, b.add(b.add(b.sub(result, half), f), b.mul(k, LN2_HI)), -1.0)


def _pow(b: Body, x: str, y: str) -> str:
    size = b.call("llvm.fabs.v8f64", x)
    k, m = _normal(b, size)
    f = b.sub(m, 1.0)
    # log(1 + f) = 2 s + s R: s in two doubles
    under = b.add(2.0, f)
    under_rest = b.sub(f, b.sub(under, 2.0))
    s = b.div(f, under)
    s_rest = b.div(b.sub(b.fma(b.neg(s), under, f), b.mul(s, under_rest)), under)
    z = b.mul(s, s)
    tail = b.add(b.mul(2.0, s_rest), b.mul(s, b.mul(z, b.polynomial(z, LOG_L))))
    big, first = b.mul(k, LN2_HI), b.mul(2.0, s)
    high = b.add(big, first)
    low = b.add(b.add(b.sub(first, b.sub(high, big)), b.mul(k, LN2_LO)), tail)
    log = b.add(high, low)
    log_rest = b.sub(low, b.sub(log, high))
    log = _log_edges(b, size, log, 0.0)
    product = b.mul(y, log)
    rest = b.add(b.fma(y, log, b.neg(product)), b.mul(y, log_rest))
    rest = b.select(b.compare("olt", b.call("llvm.fabs.v8f64", product), 1e4), rest, 0.0)
    bounded = b.clamp(product, -746.0, 710.0)
    n = b.rint(b.mul(bounded, LOG2E))
    result = _exp_of(b, n, b.sub(bounded, b.mul(n, LN2_HI)), b.sub(b.mul(n, LN2_LO), rest))
    return _pow_edges(b, x, y, result)


def _pow_edges(b: Body, x: str, y: str, result: str) -> str:
    """Return the power with the sign of a negative base, NaN where it has none, and 1 where C says so."""
    is_whole = b.compare("oeq", b.rint(y), y)
    half = b.mul(y, 0.5)
    is_odd = b.logic("and", is_whole, b.compare("one", b.rint(half), half))
    signed = b.select(is_odd, b.neg(result), result)
    is_finite = b.logic("and", b.compare("one", x, 0.0), b.compare("ogt", x, -INF))
    is_lost = b.logic("and", is_finite, b.logic("xor", is_whole, splat("b", 1)))
    negative = b.select(is_lost, b.select(b.compare("uno", y, y), y, NAN), signed)
    has_sign = b.compare("olt", b.call("llvm.copysign.v8f64", 1.0, x), 0.0)
    result = b.select(b.logic("and", has_sign, b.compare("ord", x, x)), negative, result)
    is_one = b.logic("or", b.compare("oeq", x, 1.0), b.compare("oeq", y, 0.0))
    alternates = b.logic("and", b.compare("oeq", x, -1.0), b.compare("oeq", b.call("llvm.fabs.v8f64", y), INF))
    return b.select(b.logic("or", is_one, alternates), 1.0, result)


def _turned(b: Body, x: str) -> tuple[str, str, str]:
    """Return (sine, cosine, quarter turns in the low bits) of x less its quarter turns."""
    n = b.rint(b.mul(x, 0.6366197723675814))
    first = b.fma(b.neg(n), PI_2[0], x)
    second = b.mul(n, PI_2[1])
    r = b.sub(first, second)
    lost = b.sub(b.fma(n, PI_2[1], b.neg(second)), b.sub(b.sub(first, r), second))
    y = b.neg(b.fma(n, PI_2[2], lost))
    z = b.mul(r, r)
    v = b.mul(z, r)
    sine = b.mul(z, b.sub(b.mul(0.5, y), b.mul(v, b.polynomial(z, SIN_S[1:]))))
    sine = b.sub(r, b.sub(b.sub(sine, y), b.mul(v, SIN_S[0])))
    half = b.mul(0.5, z)
    w = b.sub(1.0, half)
    rest = b.sub(b.mul(z, b.mul(z, b.polynomial(z, COS_C))), b.mul(r, y))
    cosine = b.add(w, b.add(b.sub(b.sub(1.0, w), half), rest))
    return sine, cosine, b.bits(b.add(n, MAGIC))


def _quadrant(b: Body, even: str, odd: str, quarters: str) -> str:
    is_odd = b.line(f"trunc {WHOLE} {quarters} to {TRUTH}")
    turned = b.line(f"trunc {WHOLE} {b.integer('lshr', quarters, 1)} to {TRUTH}")
    value = b.select(is_odd, odd, even)
    return b.select(turned, b.neg(value), value)


def _sin(b: Body, x: str) -> str:
    sine, cosine, quarters = _turned(b, x)
    return _quadrant(b, sine, cosine, quarters)


def _cos(b: Body, x: str) -> str:
    sine, cosine, quarters = _turned(b, x)
    return _quadrant(b, cosine, b.neg(sine), quarters)


def _tanh(b: Body, x: str) -> str:
    e = _expm1(b, b.mul(-2.0, b.call("llvm.fabs.v8f64", x)))
    return b.call("llvm.copysign.v8f64", b.div(b.neg(e), b.add(e, 2.0)), x)


ONE: dict[str, Callable[[Body, str], str]] = {
    "exp": _exp,
    "exp2": _exp2,
    "expm1": _expm1,
    "log": _log,
    "log1p": _log1p,
    "sin": _sin,
    "cos": _cos,
    "tanh": _tanh,
}
CALLED = (*ONE, "pow")


def definition(name: str) -> str:
    """Return the IR of one function, @wte.<name>."""
    body = Body()
    if name == "pow":
        result, args = _pow(body, "%x", "%y"), f"{REAL} %x, {REAL} %y"
    else:
        result, args = ONE[name](body, "%x"), f"{REAL} %x"
    text = "\n".join(body.lines)
    return f"define internal {REAL} @wte.{name}({args}) #0 {{\n{text}\n  ret {REAL} {result}\n}}\n"
