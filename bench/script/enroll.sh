# Enrolls a user with the AWS CLI: enroll.sh <user> <serial number> <secret> <seconds between the codes>
set -euo pipefail
seed=$(aws secretsmanager get-secret-value --secret-id "$3" --query SecretString --output text)
first=$(oathtool --totp --base32 --now '30 seconds ago' "$seed")
if [ "$4" -gt 0 ]; then
  first=$(oathtool --totp --base32 "$seed")
  sleep "$4"
fi
second=$(oathtool --totp --base32 "$seed")
aws iam enable-mfa-device --user-name "$1" --serial-number "$2" \
  --authentication-code1 "$first" --authentication-code2 "$second"
