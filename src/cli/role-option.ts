// The option --role of the commands that give access.

import { Option } from 'commander'
import { ACCOUNT_ROLES } from '#gateway/accounts-desk.ts'

export function roleOption(): Option {
  return new Option('--role <role>', 'what it may do').choices([...ACCOUNT_ROLES]).makeOptionMandatory()
}
