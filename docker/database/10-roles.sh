#!/bin/sh
# Run once by the database's image, on an empty data folder: a role and a database of its own for each service.
set -eu
for name in brain central; do
  password=$(cat "/run/secrets/${name}_database_password")
  psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set=name="$name" --set=password="$password" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
SQL
done
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname central --command 'CREATE EXTENSION IF NOT EXISTS timescaledb'
