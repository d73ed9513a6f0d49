#!/usr/bin/env bash
# Run a command with ATOLL_DATABASE_URL at a PostgreSQL of its own, which is gone afterwards.
#   tests/on_postgres.sh .venv/bin/python -m pytest tests/marketplace
set -euo pipefail
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || { echo "PostgreSQL is not installed: apt-get install postgresql" >&2; exit 2; }
folder=$(mktemp -d /tmp/atoll-postgres-XXXXXX)
as_owner=()
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
  chown postgres "$folder"
  as_owner=(runuser -u postgres --)
fi
end() {
  "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap end EXIT
cd /
"${as_owner[@]}" "$bin/initdb" -D "$folder/data" -U atoll --auth trust --encoding UTF8 >/dev/null
"${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
  -o "-k $folder -c listen_addresses='' -c fsync=off -c max_connections=200" start >/dev/null
"${as_owner[@]}" "$bin/createdb" -h "$folder" -U atoll atoll
cd "$OLDPWD"
ATOLL_DATABASE_URL="postgresql://atoll@$(printf %s "$folder" | sed 's,/,%2F,g')/atoll" "$@"
