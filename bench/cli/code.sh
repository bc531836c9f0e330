# Prints the current code of a secret's seed with the AWS CLI: code.sh <secret>
set -euo pipefail
aws secretsmanager get-secret-value --secret-id "$1" --query SecretString --output text | oathtool --totp --base32 -
