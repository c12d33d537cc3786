# Pip with --require-hashes pins `name[extra]` and `name` apart, and some packages ask for one and some for the other: a
# block of requirements.lock that names an extra is written a second time without it.
function finish() {
  printf "%s", block
  if (head ~ /\[/) {
    plain = block
    sub(/\[[^]]*\]/, "", plain)
    printf "%s", plain
  }
  block = ""; head = ""
}
/^[A-Za-z0-9]/ { finish(); head = $0 }
{ block = block $0 "\n" }
END { finish() }
