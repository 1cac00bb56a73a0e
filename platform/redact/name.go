package redact

// SecretName reports whether a parameter, member or variable of this name holds a
// secret, such as client_secret or X-Amz-Signature. It is what [Query] goes by.
func SecretName(name string) bool { return isSecretName(name) }
