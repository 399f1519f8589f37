import sys; sys.path.insert(0,"/tmp/n4/src"); sys.path.insert(0,"/tmp/n4")
import ast, numpy as np, tinygrad_bp as bp, traceback
assert "/tmp/n4" in bp.__file__
from tinygrad_bp.notation.rules import rule_expressions
from tests.rules.cases import PRIMITIVES, TRIALS, trials_of
bad=0
for name in PRIMITIVES:
    for trial in trials_of(name)[:1]:
        ops=[bp.Tensor(o, requires_grad=True) if isinstance(o,np.ndarray) and o.dtype.kind=="f" else o for o in trial.operands]
        try:
            out=trial(*ops)
            print(f"{name:20s}", [ast.unparse(x) if x is not None else None for x in rule_expressions(out,"g","out",[str(n).replace(" ","_") for n in out.primitive.names_of(out.operands)])])
        except Exception as ex:
            bad+=1; print("!!",name,type(ex).__name__,ex)
print("bad",bad)
