package expr

// FunctionInfo describes a function or macro to people.
type FunctionInfo struct {
	Name        string
	Group       string   // such as "Text"
	Forms       []string // how it is called, such as "s.lower()"
	Description string   // empty when there is none
}

// FunctionInfos describes what expressions can call, sorted by name. What has no
// text of its own is in the last group with its declared signatures.
func (e *Env) FunctionInfos() []FunctionInfo {
	out := make([]FunctionInfo, 0, len(e.functions))
	for _, name := range e.functions {
		if info, ok := functionDocs[name]; ok {
			info.Name = name
			out = append(out, info)
			continue
		}
		info := FunctionInfo{Name: name, Group: groupOther}
		if decl, ok := e.cel.Functions()[name]; ok {
			info.Description = decl.Description()
			for _, o := range decl.OverloadDecls() {
				info.Forms = append(info.Forms, signature(name, o))
			}
		}
		out = append(out, info)
	}
	return out
}

// The groups, in the order to show them.
const (
	groupText     = "Text"
	groupRequest  = "Request and response"
	groupList     = "Lists and maps"
	groupAddress  = "Addresses and URLs"
	groupEncoding = "Encoding"
	groupHash     = "Hashes"
	groupTime     = "Time"
	groupConvert  = "Conversion and presence"
	groupSecret   = "Secrets and chance"
	groupOther    = "Others"
)

// FunctionGroups lists the groups in the order to show them.
func FunctionGroups() []string {
	return []string{groupRequest, groupText, groupList, groupAddress, groupEncoding, groupHash, groupTime, groupConvert, groupSecret, groupOther}
}

func doc(group, description string, forms ...string) FunctionInfo {
	return FunctionInfo{Group: group, Forms: forms, Description: description}
}
