// Package transport calls HTTP/1.1 servers over pooled connections, on the
// caller's goroutine.
//
// A second goroutine helps only where one cannot do: to send a body that is long,
// of unknown length or not asked for yet ("Expect: 100-continue"), while the
// response may already arrive. It does not speak HTTP/2, follows no redirects,
// takes no proxies and decodes no content.
package transport
