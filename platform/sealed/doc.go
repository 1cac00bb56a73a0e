// Package sealed encrypts what is kept at rest: AES-256-GCM with a random nonce,
// under keys from a file that people keep apart from the data.
//
// The file has one key a line, "id:base64 of 32 bytes", newest first; lines that
// begin with # are comments. What is sealed names the key by its id, so old
// texts stay readable for as long as their key is in the file. A changed file is
// read again by itself.
//
// It does not protect against who can read both the data and the key file, and
// it does not hide how long a secret is.
package sealed
