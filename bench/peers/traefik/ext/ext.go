// Package ext stands for the extension points of Traefik's configuration, which
// Traefik's own build leaves empty and its published module leaves out.
package ext

// HTTP is empty.
type HTTP struct{}

// Router is empty.
type Router struct{}
