package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/sealed"

	"sluice.dev/cmd/sluice/internal/client"
)

type secretsCmd struct {
	Set    secretsSetCmd    `cmd:"" help:"Store a secret, which policies read with secrets.get(VAULT, NAME); a vault that does not exist is made."`
	List   secretsListCmd   `cmd:"" help:"List secrets, without their values."`
	Delete secretsDeleteCmd `cmd:"" help:"Delete a secret, or without NAME an empty vault."`
	Rotate secretsRotateCmd `cmd:"" help:"Encrypt everything that is stored with the newest key of the key file."`
	NewKey secretsNewKeyCmd `cmd:"" help:"Put a new key in front of a key file, or make the file; needs no gateway."`
}

// maxSecret is the longest value that the policy service takes, in bytes.
const maxSecret = 16 << 10

type secretsSetCmd struct {
	client.Flags
	Vault       string  `arg:"" help:"Name of the vault."`
	Name        string  `arg:"" help:"Name of the secret."`
	FromFile    string  `help:"File with the value; standard input otherwise." type:"path"`
	Exact       bool    `help:"Keep a newline at the end of the value, which is dropped otherwise."`
	Description *string `help:"What the secret is for."`
}

// Run stores the value.
func (c *secretsSetCmd) Run(ctx context.Context, conn *client.Client) error {
	value, err := c.read()
	if err != nil {
		return err
	}
	in, err := c.vault(ctx, conn)
	if err != nil {
		return err
	}
	found, err := findSecret(ctx, conn, in.GetId(), c.Name)
	if err != nil {
		return err
	}
	doc := &policyv1.Secret{Id: found.GetId(), VaultId: in.GetId(), Name: c.Name, Value: value}
	mask := &fieldmaskpb.FieldMask{Paths: []string{"value"}}
	if c.Description != nil {
		doc.Description, mask.Paths = *c.Description, append(mask.Paths, "description")
	}
	verb := "updated"
	if found != nil {
		_, err = conn.Vaults.UpdateSecret(ctx, &policyv1.UpdateSecretRequest{Secret: doc, UpdateMask: mask})
	} else {
		verb = "created"
		_, err = conn.Vaults.CreateSecret(ctx, &policyv1.CreateSecretRequest{Secret: doc})
	}
	if err == nil {
		fmt.Printf("%s %s/%s\n", verb, c.Vault, c.Name)
	}
	return err
}

// vault finds the vault, or makes it.
func (c *secretsSetCmd) vault(ctx context.Context, conn *client.Client) (*policyv1.Vault, error) {
	in, err := findVault(ctx, conn, c.Vault)
	if in != nil || err != nil {
		return in, err
	}
	made, err := conn.Vaults.CreateVault(ctx, &policyv1.CreateVaultRequest{Vault: &policyv1.Vault{Name: c.Vault}})
	if err != nil {
		return nil, err
	}
	fmt.Printf("created the vault %s\n", c.Vault)
	return made.GetVault(), nil
}

func (c *secretsSetCmd) read() (string, error) {
	from := io.Reader(os.Stdin)
	if c.FromFile != "" {
		f, err := os.Open(c.FromFile)
		if err != nil {
			return "", fmt.Errorf("read the secret: %w", err)
		}
		defer f.Close()
		from = f
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxSecret+3))
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	value := string(raw)
	if !c.Exact {
		value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
	}
	switch {
	case value == "":
		return "", errors.New("the secret is empty: write it to standard input, or name a file with --from-file")
	case len(value) > maxSecret:
		return "", fmt.Errorf("the secret is longer than %d bytes", maxSecret)
	}
	return value, nil
}

type secretsListCmd struct {
	client.Flags
	Vault string `arg:"" optional:"" help:"Name of a vault; all when it is left out."`
}

// Run lists by vault and name.
func (c *secretsListCmd) Run(ctx context.Context, conn *client.Client) error {
	all, err := allVaults(ctx, conn)
	if err != nil {
		return err
	}
	for _, v := range all {
		if c.Vault != "" && c.Vault != v.GetName() {
			continue
		}
		secrets, err := allSecrets(ctx, conn, v.GetId())
		if err != nil {
			return err
		}
		fmt.Printf("%s  %s  %s\n", v.GetName(), v.GetId(), v.GetDescription())
		for _, s := range secrets {
			fmt.Printf("  %s  %s  %s  %s\n", s.GetName(), s.GetId(), s.GetUpdatedAt().AsTime().Local().Format("2006-01-02 15:04"), s.GetDescription())
		}
	}
	return nil
}

type secretsDeleteCmd struct {
	client.Flags
	Vault string `arg:"" help:"Name of the vault."`
	Name  string `arg:"" optional:"" help:"Name of the secret."`
}

// Run deletes.
func (c *secretsDeleteCmd) Run(ctx context.Context, conn *client.Client) error {
	in, err := findVault(ctx, conn, c.Vault)
	switch {
	case err != nil:
		return err
	case in == nil:
		return fmt.Errorf("there is no vault %q", c.Vault)
	case c.Name == "":
		_, err = conn.Vaults.DeleteVault(ctx, &policyv1.DeleteVaultRequest{Id: in.GetId()})
		return err
	}
	found, err := findSecret(ctx, conn, in.GetId(), c.Name)
	if err != nil {
		return err
	}
	if found == nil {
		return fmt.Errorf("there is no secret %q in the vault %q", c.Name, c.Vault)
	}
	_, err = conn.Vaults.DeleteSecret(ctx, &policyv1.DeleteSecretRequest{Id: found.GetId()})
	return err
}

type secretsRotateCmd struct{ client.Flags }

// Run has every service that stores secrets encrypt them anew.
func (c *secretsRotateCmd) Run(ctx context.Context, conn *client.Client) error {
	vaults, err := conn.Vaults.ReencryptSecrets(ctx, &policyv1.ReencryptSecretsRequest{})
	if err != nil {
		return err
	}
	events, err := conn.Sealing.ReencryptEventSecrets(ctx, &eventsv1.ReencryptEventSecretsRequest{})
	if err != nil {
		return err
	}
	fmt.Printf("encrypted with the newest key: %d secrets, %d destinations and channels\n", vaults.GetReencrypted(), events.GetReencrypted())
	return nil
}

type secretsNewKeyCmd struct {
	File string `arg:"" help:"Key file." type:"path"`
}

// Run adds the key.
func (c *secretsNewKeyCmd) Run() error {
	id, err := sealed.AddKey(c.File)
	if err == nil {
		fmt.Printf("%s has the new key %s; sluice secrets rotate makes use of it for what is stored already\n", c.File, id)
	}
	return err
}

func findVault(ctx context.Context, conn *client.Client, name string) (*policyv1.Vault, error) {
	all, err := allVaults(ctx, conn)
	if i := slices.IndexFunc(all, func(v *policyv1.Vault) bool { return v.GetName() == name }); i >= 0 {
		return all[i], nil
	}
	return nil, err
}

func findSecret(ctx context.Context, conn *client.Client, vaultID, name string) (*policyv1.Secret, error) {
	all, err := allSecrets(ctx, conn, vaultID)
	if i := slices.IndexFunc(all, func(s *policyv1.Secret) bool { return s.GetName() == name }); i >= 0 {
		return all[i], nil
	}
	return nil, err
}

// allVaults are all of them, by name.
func allVaults(ctx context.Context, conn *client.Client) (all []*policyv1.Vault, err error) {
	for cursor := ""; ; {
		page, err := conn.Vaults.ListVaults(ctx, &policyv1.ListVaultsRequest{Limit: 1000, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		all = append(all, page.GetVaults()...)
		if cursor = page.GetNextCursor(); cursor == "" {
			slices.SortFunc(all, func(a, b *policyv1.Vault) int { return strings.Compare(a.GetName(), b.GetName()) })
			return all, nil
		}
	}
}

// allSecrets are those of a vault, by name.
func allSecrets(ctx context.Context, conn *client.Client, vaultID string) (all []*policyv1.Secret, err error) {
	for cursor := ""; ; {
		page, err := conn.Vaults.ListSecrets(ctx, &policyv1.ListSecretsRequest{Limit: 1000, Cursor: cursor, VaultId: vaultID})
		if err != nil {
			return nil, err
		}
		all = append(all, page.GetSecrets()...)
		if cursor = page.GetNextCursor(); cursor == "" {
			slices.SortFunc(all, func(a, b *policyv1.Secret) int { return strings.Compare(a.GetName(), b.GetName()) })
			return all, nil
		}
	}
}
