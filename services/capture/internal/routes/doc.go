// Package routes gives each exchange the template of its path, so that
// /users/8412/orders/77 counts as /users/{id}/orders/{id}.
//
// Three things decide, the first that applies: a rule that an operator wrote; the
// look of a segment, such as a number, a UUID or a token; and what was learned: a
// place in the paths of an endpoint with very many different segments is a
// parameter, too. Rules and what was learned are in Redis and followed live, so that
// all capture processes give the same templates.
//
// A template is made once, when an exchange is stored. The package does not look at
// hosts, queries or bodies.
package routes
