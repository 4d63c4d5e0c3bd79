package mongostore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// connect makes a client, which does not reach out yet, and names the database.
func connect(uri, database string, monitor *Monitor) (*mongo.Client, string, error) {
	opts := options.Client().ApplyURI(uri)
	if err := opts.Validate(); err != nil {
		return nil, "", fmt.Errorf("mongostore: open: the URI is not valid: %s", withoutPassword(uri, err))
	}
	if database = cmp.Or(database, databaseOf(uri)); database == "" {
		return nil, "", errors.New("mongostore: open: no database is named: " +
			"neither by the URI (mongodb://host/database) nor by Options.Database")
	}
	client, err := mongo.Connect(opts.SetServerMonitor(monitor.ServerMonitor()))
	if err != nil {
		return nil, "", fmt.Errorf("mongostore: open: %s", withoutPassword(uri, err))
	}
	return client, database, nil
}

// closeGrace is how long a client that is closed waits for operations under
// way, and for a server to take leave of, which during an outage does not come.
const closeGrace = 2 * time.Second

// disconnect belongs to no request, hence the context of its own.
func disconnect(client *mongo.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	err := client.Disconnect(ctx)
	if err == nil || errors.Is(err, mongo.ErrClientDisconnected) || errors.Is(err, context.DeadlineExceeded) {
		return nil // what did not end in time was cut off
	}
	return fmt.Errorf("mongostore: close: %w", err)
}

// databaseOf returns the database that a valid URI names, or "".
func databaseOf(uri string) string {
	_, rest, _ := strings.Cut(uri, "://")
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], "/")
	database, err := url.PathUnescape(path)
	if err != nil {
		return ""
	}
	return database
}

// withoutPassword is the text of err without the secrets of the URI, or any part
// of them.
func withoutPassword(uri string, err error) string {
	text := err.Error()
	for _, secret := range slices.Concat(secretsOfUser(uri), secretsOfOptions(uri)) {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// secretsOfUser returns what stands between "://" and the last "@": where the
// URI is not valid nobody knows which part of it is the password.
func secretsOfUser(uri string) []string {
	_, rest, _ := strings.Cut(uri, "://")
	end := strings.LastIndexByte(rest, '@')
	if end < 0 {
		return nil
	}
	user, password, _ := strings.Cut(rest[:end], ":")
	secrets := append([]string{rest[:end], password}, strings.FieldsFunc(password, func(r rune) bool {
		return strings.ContainsRune(":/?#[]@", r)
	})...)
	if plain, err := url.PathUnescape(password); err == nil {
		secrets = append(secrets, plain)
	}
	return slices.DeleteFunc(secrets, func(secret string) bool { return secret == user })
}

// secretsOfOptions returns the values of options that are a password, such as
// that of the key of a certificate, or have one.
func secretsOfOptions(uri string) (secrets []string) {
	_, query, _ := strings.Cut(uri, "?")
	for _, option := range strings.FieldsFunc(query, func(r rune) bool { return strings.ContainsRune("?&;", r) }) {
		name, value, _ := strings.Cut(option, "=")
		name = strings.ToLower(unescaped(name))
		if !strings.HasSuffix(name, "password") && name != "authmechanismproperties" {
			continue
		}
		for _, v := range []string{value, unescaped(value)} {
			secrets = append(secrets, v)
			for part := range strings.SplitSeq(v, ",") { // AWS_SESSION_TOKEN:a secret
				_, part, _ = strings.Cut(part, ":")
				secrets = append(secrets, part)
			}
		}
	}
	return secrets
}

// unescaped is v as the driver reads it, if it can.
func unescaped(v string) string {
	u, _ := url.QueryUnescape(v)
	return cmp.Or(u, v)
}
