// Package api is the table of what the gateway offers: every method whose proto
// has a REST form, with the scope that a key needs to call it. REST and gRPC
// are served from this one table, so that neither offers what the other hides.
package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "sluice.dev/proto/gen/sluice/capture/v1" // registers its descriptors
	_ "sluice.dev/proto/gen/sluice/events/v1"  // registers its descriptors
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
	_ "sluice.dev/proto/gen/sluice/replay/v1" // registers its descriptors
)

// Packages are the proto packages of the services behind the gateway.
var Packages = []protoreflect.FullName{"sluice.policy.v1", "sluice.capture.v1", "sluice.replay.v1", "sluice.events.v1"}

// Method is one call that clients may make.
type Method struct {
	Desc  protoreflect.MethodDescriptor
	Scope policyv1.Scope
	// Verb and Pattern are the REST form, such as GET /api/v1/endpoints/{id}.
	Verb, Pattern string
	// Body is the request field that the body fills; "*" for all, "" for none.
	Body string
}

// FullName is the method as gRPC names it: /package.Service/Method.
func (m Method) FullName() string {
	return fmt.Sprintf("/%s/%s", m.Desc.Parent().FullName(), m.Desc.Name())
}

// Package is the proto package that the method belongs to.
func (m Method) Package() protoreflect.FullName { return m.Desc.ParentFile().Package() }

// Methods returns the table.
func Methods() []Method {
	var out []Method
	for _, pkg := range Packages {
		protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(file protoreflect.FileDescriptor) bool {
			for i := range file.Services().Len() {
				out = append(out, ofService(file.Services().Get(i))...)
			}
			return true
		})
	}
	return out
}

func ofService(service protoreflect.ServiceDescriptor) []Method {
	var out []Method
	for i := range service.Methods().Len() {
		desc := service.Methods().Get(i)
		rule, _ := proto.GetExtension(desc.Options(), annotations.E_Http).(*annotations.HttpRule)
		if rule.GetPattern() == nil {
			continue // between Sluice's own services only
		}
		verb, pattern := verbAndPattern(rule)
		out = append(out, Method{Desc: desc, Scope: scopeOf(desc), Verb: verb, Pattern: pattern, Body: rule.GetBody()})
	}
	return out
}

func verbAndPattern(rule *annotations.HttpRule) (verb, pattern string) {
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return "GET", p.Get
	case *annotations.HttpRule_Post:
		return "POST", p.Post
	case *annotations.HttpRule_Patch:
		return "PATCH", p.Patch
	case *annotations.HttpRule_Put:
		return "PUT", p.Put
	case *annotations.HttpRule_Delete:
		return "DELETE", p.Delete
	}
	return "", ""
}

// readers are the verbs of methods that change nothing.
var readers = []string{"Get", "List", "Tail", "Validate", "Aggregate", "TestPolicy"}

// scopeOf is what a key needs: admin for keys, the encryption of secrets and
// changes of settings, read for looking, write for the rest.
func scopeOf(desc protoreflect.MethodDescriptor) policyv1.Scope {
	reads := false
	for _, verb := range readers {
		reads = reads || strings.HasPrefix(string(desc.Name()), verb)
	}
	switch service := desc.Parent().Name(); {
	case service == "ApiKeyService", service == "SettingsService" && !reads, strings.HasPrefix(string(desc.Name()), "Reencrypt"):
		return policyv1.Scope_SCOPE_ADMIN
	case reads:
		return policyv1.Scope_SCOPE_READ
	}
	return policyv1.Scope_SCOPE_WRITE
}

// Bounded gives a call the deadline that no client can do without: long for
// calls that wait for somebody else's server, none for streams.
func (m Method) Bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	name := string(m.Desc.Name())
	switch {
	case m.Desc.IsStreamingServer():
		return context.WithCancel(ctx)
	case strings.HasPrefix(name, "Replay"), strings.HasPrefix(name, "Test"):
		return context.WithTimeout(ctx, 2*time.Minute)
	}
	return context.WithTimeout(ctx, 30*time.Second)
}
