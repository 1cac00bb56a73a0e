package expr

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/mileusna/useragent"
)

// agentVariables describe the client's software as its User-Agent header tells
// it; a client can claim anything.
func agentVariables() []Variable {
	raw := func(v *Vars) string { return v.Request.Header.Get("user-agent") }
	part := func(name, description string, get func(useragent.UserAgent) string) Variable {
		return text("req.user_agent."+name, inHTTP, description, func(v *Vars) string { return get(useragent.Parse(raw(v))) })
	}
	flag := func(name, description string, get func(useragent.UserAgent) bool) Variable {
		return Variable{Name: "req.user_agent." + name, Type: boolean, Scope: inHTTP, Description: description, get: func(v *Vars) ref.Val {
			return types.Bool(get(useragent.Parse(raw(v))))
		}}
	}
	return []Variable{
		text("req.user_agent", inHTTP, "The User-Agent header.", raw),
		part("name", "Name of the browser or tool.", func(u useragent.UserAgent) string { return u.Name }),
		part("version", "Its version.", func(u useragent.UserAgent) string { return u.Version }),
		part("os", "Operating system.", func(u useragent.UserAgent) string { return u.OS }),
		part("os_version", "Version of the operating system.", func(u useragent.UserAgent) string { return u.OSVersion }),
		part("device", "Device.", func(u useragent.UserAgent) string { return u.Device }),
		part("url", "URL that a bot gives of itself.", func(u useragent.UserAgent) string { return u.URL }),
		flag("is_mobile", "Whether it is a phone.", func(u useragent.UserAgent) bool { return u.Mobile }),
		flag("is_tablet", "Whether it is a tablet.", func(u useragent.UserAgent) bool { return u.Tablet }),
		flag("is_desktop", "Whether it is a desktop computer.", func(u useragent.UserAgent) bool { return u.Desktop }),
		flag("is_bot", "Whether it says it is a bot.", func(u useragent.UserAgent) bool { return u.Bot }),
	}
}
