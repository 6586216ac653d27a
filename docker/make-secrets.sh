#!/bin/sh
# Makes the secrets of docker/compose.yaml in docker/secrets, each a file; those that are there stay as they are.
# Needs openssl. The two files of tokens for Prometheus are filled later (docs/docker.md).
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
# Services without rights of their own read them: the folder is closed, the files in it are not.
fresh() { test -s "$folder/$1" || { openssl rand -hex 24 | tr -d '\n' >"$folder/$1" && chmod 0644 "$folder/$1"; }; }

for name in database_password brain_database_password central_database_password redis_password brain_token mqtt_password \
  grafana_password; do fresh "$name"; done

# The password file of mosquitto: PBKDF2 with SHA-512, as mosquitto_passwd writes it.
if ! test -s "$folder/mqtt_users"; then
  salt=$(openssl rand -hex 6) # twelve characters, taken as they are
  hash=$(openssl kdf -binary -keylen 64 -kdfopt digest:SHA512 -kdfopt "pass:$(cat "$folder/mqtt_password")" \
    -kdfopt "salt:$salt" -kdfopt iter:101 PBKDF2 | openssl base64 -A)
  printf 'gateway:$7$101$%s$%s\n' "$(printf '%s' "$salt" | openssl base64 -A)" "$hash" >"$folder/mqtt_users"
  chmod 0644 "$folder/mqtt_users"
fi
for name in gateway_metrics_token central_metrics_token; do
  test -e "$folder/$name" || { : >"$folder/$name" && chmod 0644 "$folder/$name"; }
done
echo "The secrets are in $folder"
