package main

import (
	"context"
	"fmt"
	"strings"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/cmd/sluice/internal/client"
)

type apiKeysCmd struct {
	Create keysCreateCmd `cmd:"" help:"Make a key and print its token, once."`
	List   keysListCmd   `cmd:"" help:"List keys."`
	Delete keysDeleteCmd `cmd:"" help:"Revoke a key."`
}

type keysCreateCmd struct {
	client.Flags
	Scope       string `help:"What the key may do: read, write (also change things and replay) or admin (also keys and settings)." enum:"read,write,admin" required:""`
	Description string `help:"What the key is for."`
}

// Run makes the key.
func (c *keysCreateCmd) Run(ctx context.Context, conn *client.Client) error {
	scope := policyv1.Scope(policyv1.Scope_value["SCOPE_"+strings.ToUpper(c.Scope)])
	res, err := conn.APIKeys.CreateApiKey(ctx, &policyv1.CreateApiKeyRequest{ApiKey: &policyv1.ApiKey{Description: c.Description, Scope: scope}})
	if err != nil {
		return err
	}
	fmt.Printf("%s\n%s\n", res.GetApiKey().GetId(), res.GetToken())
	return nil
}

type keysListCmd struct{ client.Flags }

// Run lists the keys.
func (c *keysListCmd) Run(ctx context.Context, conn *client.Client) error {
	for cursor := ""; ; {
		page, err := conn.APIKeys.ListApiKeys(ctx, &policyv1.ListApiKeysRequest{Cursor: cursor})
		if err != nil {
			return err
		}
		for _, k := range page.GetApiKeys() {
			scope := strings.ToLower(strings.TrimPrefix(k.GetScope().String(), "SCOPE_"))
			fmt.Printf("%s  %-5s  %s  %s\n", k.GetId(), scope, k.GetCreatedAt().AsTime().Local().Format("2006-01-02 15:04"), k.GetDescription())
		}
		if cursor = page.GetNextCursor(); cursor == "" {
			return nil
		}
	}
}

type keysDeleteCmd struct {
	client.Flags
	ID string `arg:"" help:"Key, such as ak_01J…"`
}

// Run revokes the key.
func (c *keysDeleteCmd) Run(ctx context.Context, conn *client.Client) error {
	_, err := conn.APIKeys.DeleteApiKey(ctx, &policyv1.DeleteApiKeyRequest{Id: c.ID})
	return err
}
