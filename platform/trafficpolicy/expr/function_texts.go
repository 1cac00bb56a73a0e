package expr

// functionDocs describes functions by name. s is a string, l a list, m a map, t a
// timestamp, d a duration, x any value.
var functionDocs = map[string]FunctionInfo{
	"hasReqHeader":  doc(groupRequest, "Whether the request has the header, in any case.", "hasReqHeader(name)"),
	"getReqHeader":  doc(groupRequest, "The header's values; an empty list when it is absent.", "getReqHeader(name)"),
	"hasResHeader":  doc(groupRequest, "Whether the response has the header, in any case. Only in on_http_response.", "hasResHeader(name)"),
	"getResHeader":  doc(groupRequest, "The header's values; an empty list when it is absent. Only in on_http_response.", "getResHeader(name)"),
	"hasReqCookie":  doc(groupRequest, "Whether the request has the cookie.", "hasReqCookie(name)"),
	"getReqCookie":  doc(groupRequest, "The first cookie of this name, with name and value; both are empty when it is absent.", "getReqCookie(name)"),
	"hasResCookie":  doc(groupRequest, "Whether the response sets the cookie. Only in on_http_response.", "hasResCookie(name)"),
	"getResCookie":  doc(groupRequest, "The cookie that the response sets, with its attributes. Only in on_http_response.", "getResCookie(name)"),
	"hasQueryParam": doc(groupRequest, "Whether the URL has the query parameter.", "hasQueryParam(name)"),
	"getQueryParam": doc(groupRequest, "The parameter's values; an empty list when it is absent.", "getQueryParam(name)"),

	"startsWith":       doc(groupText, "Whether s begins with the text.", "s.startsWith(text)"),
	"endsWith":         doc(groupText, "Whether s ends with the text.", "s.endsWith(text)"),
	"contains":         doc(groupText, "Whether s contains the text; of a list of strings, whether one of them does.", "s.contains(text)", "l.contains(text)"),
	"matches":          doc(groupText, "Whether the regular expression (RE2) matches somewhere in s.", "s.matches(re)", "matches(s, re)"),
	"charAt":           doc(groupText, "The character at a position; empty at the end, an error beyond.", "s.charAt(i)"),
	"indexOf":          doc(groupText, "Position of the first occurrence, -1 when there is none; from a position on.", "s.indexOf(text)", "s.indexOf(text, from)"),
	"lastIndexOf":      doc(groupText, "Position of the last occurrence, -1 when there is none.", "s.lastIndexOf(text)", "s.lastIndexOf(text, from)"),
	"substring":        doc(groupText, "The characters from a to before b, or to the end.", "s.substring(a)", "s.substring(a, b)"),
	"replace":          doc(groupText, "s with the text replaced everywhere, or the first n times.", "s.replace(text, with)", "s.replace(text, with, n)"),
	"split":            doc(groupText, "The parts between separators, or between white space. With n, the first n parts; the rest is dropped.", "s.split()", "s.split(separator)", "s.split(separator, n)"),
	"join":             doc(groupText, "The strings of a list in one, with a separator between them.", "l.join()", "l.join(separator)"),
	"trim":             doc(groupText, "s without white space at both ends.", "s.trim()"),
	"lower":            doc(groupText, "s in lower case.", "s.lower()"),
	"upper":            doc(groupText, "s in upper case.", "s.upper()"),
	"lowerAscii":       doc(groupText, "s with the letters A to Z in lower case.", "s.lowerAscii()"),
	"upperAscii":       doc(groupText, "s with the letters a to z in upper case.", "s.upperAscii()"),
	"format":           doc(groupText, "s with %s, %d, %f and the like replaced by the values of a list.", "s.format(l)"),
	"strings.quote":    doc(groupText, "s in double quotes, with escapes.", "strings.quote(s)"),
	"reverse":          doc(groupText, "The characters, or the elements of a list, from last to first.", "s.reverse()", "l.reverse()"),
	"size":             doc(groupText, "Number of characters, bytes, elements or entries.", "size(x)", "x.size()"),
	"encodeBase64":     doc(groupEncoding, "s in base64.", "s.encodeBase64()"),
	"decodeBase64":     doc(groupEncoding, "The text that s is in base64; an error when it is not.", "s.decodeBase64()"),
	"base64.encode":    doc(groupEncoding, "Bytes in base64.", "base64.encode(bytes)"),
	"base64.decode":    doc(groupEncoding, "The bytes that s is in base64.", "base64.decode(s)"),
	"base64.encodeUrl": doc(groupEncoding, "Bytes in base64 for URLs.", "base64.encodeUrl(bytes)"),
	"base64.decodeUrl": doc(groupEncoding, "The bytes that s is in base64 for URLs, with or without padding.", "base64.decodeUrl(s)"),
	"json.parse":       doc(groupEncoding, "The value that s is as JSON, as an optional value; none when it is not.", "json.parse(s)", "json.parse(s, type)"),
	"yaml.encode":      doc(groupEncoding, "Any value as YAML.", "yaml.encode(x)"),
	"yaml.parse":       doc(groupEncoding, "The value that s is as YAML, as an optional value; none when it is not.", "yaml.parse(s)", "yaml.parse(s, type)"),
	"encodeJson":       doc(groupEncoding, "Any value as JSON: bytes as base64, times as RFC 3339.", "x.encodeJson()"),
	"json.encode":      doc(groupEncoding, "Any value as JSON: bytes as base64, times as RFC 3339.", "json.encode(x)"),
	"decodeJson":       doc(groupEncoding, "The value that s is as JSON; an error when it is not.", "s.decodeJson()"),
	"json.decode":      doc(groupEncoding, "The value that s is as JSON; an error when it is not.", "json.decode(s)"),
	"isJson":           doc(groupEncoding, "Whether s is valid JSON.", "s.isJson()"),

	"encodeQueryString":  doc(groupEncoding, "A map as a query string, names in order; lists repeat a name.", "m.encodeQueryString()"),
	"queryString.encode": doc(groupEncoding, "A map as a query string, names in order; lists repeat a name.", "queryString.encode(m)"),
	"decodeQueryString":  doc(groupEncoding, "A query string as a map: a string for a name that occurs once, else a list.", "s.decodeQueryString()"),
	"queryString.decode": doc(groupEncoding, "A query string as a map: a string for a name that occurs once, else a list.", "queryString.decode(s)"),
	"isQueryString":      doc(groupEncoding, "Whether s is a query string with at least one parameter.", "s.isQueryString()"),
	"basic_auth.encode":  doc(groupEncoding, "The value of an Authorization header for a user and a password.", "basic_auth.encode(user, password)"),

	"all":         doc(groupList, "Whether the condition holds for every element, of a map for every key.", "l.all(x, condition)"),
	"exists":      doc(groupList, "Whether it holds for some element.", "l.exists(x, condition)"),
	"exists_one":  doc(groupList, "Whether it holds for exactly one element.", "l.exists_one(x, condition)"),
	"filter":      doc(groupList, "The elements for which it holds; of a map the keys.", "l.filter(x, condition)"),
	"map":         doc(groupList, "The value of an expression for every element, or for those for which the condition holds.", "l.map(x, value)", "l.map(x, condition, value)"),
	"slice":       doc(groupList, "The elements from a to before b.", "l.slice(a, b)"),
	"flatten":     doc(groupList, "Lists inside the list become its elements, one level or as many as depth says.", "l.flatten()", "l.flatten(depth)"),
	"sort":        doc(groupList, "The elements in order.", "l.sort()"),
	"sortBy":      doc(groupList, "The elements in the order of an expression's values.", "l.sortBy(x, value)"),
	"distinct":    doc(groupList, "The first of equal elements, in order.", "l.distinct()"),
	"lists.range": doc(groupList, "The numbers from 0 to before n.", "lists.range(n)"),
	"hasAny":      doc(groupList, "Whether the lists have an element in common.", "l.hasAny(other)"),
	"hasAll":      doc(groupList, "Whether the list has every element of the other.", "l.hasAll(other)"),
	"hasOnly":     doc(groupList, "Whether the other list has every element of the list.", "l.hasOnly(other)"),
	"hasExactly":  doc(groupList, "Whether the lists have the same elements, in any order and number.", "l.hasExactly(other)"),
	"in":          doc(groupList, "Whether a list has the element or a map the key.", "x in l", "x in m"),

	"inCidrRange":  doc(groupAddress, "Whether the address is in the range; false for what is no range.", "inCidrRange(ip, cidr)"),
	"inCidrRanges": doc(groupAddress, "Whether the address is in one of the ranges.", "inCidrRanges(ip, cidrs)"),
	"isPrivateIp":  doc(groupAddress, "Whether s is a private IPv4 address (RFC 1918).", "s.isPrivateIp()"),
	"isURL":        doc(groupAddress, "Whether s is an absolute URL.", "s.isURL()"),
	"parseUrl":     doc(groupAddress, "The parts of a URL: scheme, host, hostname, port, path, rawpath, rawquery, query, fragment, user.", "s.parseUrl()"),
	"url.parse":    doc(groupAddress, "The parts of a URL: scheme, host, hostname, port, path, rawpath, rawquery, query, fragment, user.", "url.parse(s)"),
	"escapeUrl":    doc(groupAddress, "s percent-encoded for a query.", "s.escapeUrl()"),
	"url.escape":   doc(groupAddress, "s percent-encoded for a query.", "url.escape(s)"),
	"unescapeUrl":  doc(groupAddress, "s percent-decoded; an error when it cannot be.", "s.unescapeUrl()"),
	"url.unescape": doc(groupAddress, "s percent-decoded; an error when it cannot be.", "url.unescape(s)"),

	"md5": digestDoc("md5", "MD5"), "sha1": digestDoc("sha1", "SHA-1"), "sha256": digestDoc("sha256", "SHA-256"), "sha512": digestDoc("sha512", "SHA-512"),
	"crc32": digestDoc("crc32", "CRC-32 (IEEE)"), "crc64": digestDoc("crc64", "CRC-64 (ISO)"), "xxhash64": digestDoc("xxhash64", "xxHash64"),
	"hash.md5": hashDoc("md5", "MD5"), "hash.sha1": hashDoc("sha1", "SHA-1"), "hash.sha256": hashDoc("sha256", "SHA-256"), "hash.sha512": hashDoc("sha512", "SHA-512"),
	"hash.crc32": hashDoc("crc32", "CRC-32 (IEEE)"), "hash.crc64": hashDoc("crc64", "CRC-64 (ISO)"), "hash.xxhash64": hashDoc("xxhash64", "xxHash64"),

	"getFullYear":     timeDoc("getFullYear", "The year."),
	"getMonth":        timeDoc("getMonth", "The month, from 0."),
	"getDate":         timeDoc("getDate", "The day of the month, from 1."),
	"getDayOfMonth":   timeDoc("getDayOfMonth", "The day of the month, from 0."),
	"getDayOfWeek":    timeDoc("getDayOfWeek", "The day of the week; 0 is Sunday."),
	"getDayOfYear":    timeDoc("getDayOfYear", "The day of the year, from 0."),
	"getHours":        timeDoc("getHours", "The hour; of a duration all its hours.", "d.getHours()"),
	"getMinutes":      timeDoc("getMinutes", "The minute; of a duration all its minutes.", "d.getMinutes()"),
	"getSeconds":      timeDoc("getSeconds", "The second; of a duration all its seconds.", "d.getSeconds()"),
	"getMilliseconds": timeDoc("getMilliseconds", "The milliseconds within the second.", "d.getMilliseconds()"),
	"timestamp":       doc(groupTime, "A time from RFC 3339 text or from seconds since 1970.", "timestamp(s)", "timestamp(n)"),
	"duration":        doc(groupTime, "A duration from text such as 1h30m or 1.5s.", "duration(s)"),

	"string": doc(groupConvert, "The value as text.", "string(x)"),
	"int":    doc(groupConvert, "The value as a whole number; an error when it is none.", "int(x)"),
	"uint":   doc(groupConvert, "The value as a whole number without sign.", "uint(x)"),
	"double": doc(groupConvert, "The value as a number with a fraction.", "double(x)"),
	"bool":   doc(groupConvert, "The value as true or false.", "bool(x)"),
	"bytes":  doc(groupConvert, "The text as bytes.", "bytes(s)"),
	"dyn":    doc(groupConvert, "The value, with its type not checked before the expression runs.", "dyn(x)"),
	"type":   doc(groupConvert, "The type of the value.", "type(x)"),
	"has":    doc(groupConvert, "Whether a variable has a value, or a map or list the entry.", "has(req.url.port)", "has(m['key'])"),

	"secrets.get": doc(groupSecret, "The value of a secret; an error when it does not exist. It never shows in traces, logs and errors.", "secrets.get(vault, name)"),
	"rand.double": doc(groupSecret, "A random number from 0 to before 1. Not for secrets.", "rand.double()"),
	"rand.int":    doc(groupSecret, "A random whole number, both ends included; 0 or 1 without them. Not for secrets.", "rand.int()", "rand.int(min, max)"),
}

func digestDoc(name, title string) FunctionInfo {
	return doc(groupHash, title+" of s; format is hex (the default) or base64.", "s."+name+"()", "s."+name+"(format)")
}

func hashDoc(name, title string) FunctionInfo {
	return doc(groupHash, title+" of s; format is hex (the default) or base64.", "hash."+name+"(s)", "hash."+name+"(s, format)")
}

func timeDoc(name, description string, more ...string) FunctionInfo {
	return doc(groupTime, description+" In UTC, or in the zone given.", append([]string{"t." + name + "()", "t." + name + "(zone)"}, more...)...)
}
