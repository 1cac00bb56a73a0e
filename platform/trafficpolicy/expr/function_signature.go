package expr

import (
	"strings"

	"cel.dev/cel-go/common/decls"
)

// signature writes an overload as it is called, with types for arguments:
// "string.lower() -> string".
func signature(name string, o *decls.OverloadDecl) string {
	args := make([]string, 0, len(o.ArgTypes()))
	for _, t := range o.ArgTypes() {
		args = append(args, t.String())
	}
	target := ""
	if o.IsMemberFunction() && len(args) > 0 {
		target, args = args[0]+".", args[1:]
	}
	return target + name + "(" + strings.Join(args, ", ") + ") -> " + o.ResultType().String()
}
