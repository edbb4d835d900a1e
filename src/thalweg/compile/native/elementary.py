"""Temporary."""
from llvmlite import ir
def call(builder, name, *args):
    from .formulas import intrinsic
    k={'arcsin':'asin','arccos':'acos','arctan':'atan'}.get(name,name)
    if name in('expit','softplus','expm1','log1p'):
        x=args[0]; from .formulas import constant
        one=constant(x.type,1.0)
        if name=='expit': return builder.fdiv(one,builder.fadd(one,intrinsic(builder,'exp',builder.fneg(x))))
        if name=='softplus': return intrinsic(builder,'log',builder.fadd(one,intrinsic(builder,'exp',x)))
        if name=='expm1': return builder.fsub(intrinsic(builder,'exp',x),one)
        return intrinsic(builder,'log',builder.fadd(x,one))
    if name=='power': k='pow'
    return intrinsic(builder,k,*args)
