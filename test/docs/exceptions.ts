// What stands in the manual and cannot be tried out here, each with the reason. The test prints the list, and fails for one
// that is not there any more.

/** Programs that are not ours; the first word of a command. */
export const FOREIGN_PROGRAMS: Readonly<Record<string, string>> = {
  'apt-get': 'changes the machine',
  apt: 'changes the machine: packaging/test-lifecycle.sh installs the package in a Debian root',
  systemctl: 'needs a running systemd',
  journalctl: 'needs a running systemd',
  timedatectl: 'needs a running systemd',
  install: 'writes into folders of root',
  nano: 'is for a person',
  scp: 'needs another machine',
  ssh: 'needs another machine',
  tail: 'is no program of ours',
  printf: 'is no program of ours',
  ln: 'is no program of ours',
  mkdir: 'is no program of ours',
  openssl: 'is no program of ours; the tests of TLS and of updates make keys with it',
  protoc: 'test/rpc and test/uplinks/grpc run it',
  grpcurl: 'is not installed here: test/brain asks by reflection with a client of its own',
  tar: 'is no program of ours',
  'dpkg-deb': 'is no program of ours; packaging/ and its test run it',
  createuser: 'needs a database: test/central makes the same',
  python3: 'its examples have tests of their own (test/uplinks/grpc/python.test.ts, test/brain)',
  curl: 'asks a running gateway: test/api asks the same',
  docker: 'needs an engine: test/docker carries the steps out without one',
  promtool: 'test/appliance/prometheus runs it',
}

/** Blocks of YAML that are no configuration of ours: file and how the block begins. */
export const FOREIGN_YAML: readonly (readonly [file: string, begins: string, reason: string])[] = [
  ['docs/update.md', 'url: https://releases', 'configuration of the updater: its tests read it'],
  [
    'docs/writing-a-driver.md',
    'drivers:',
    'a driver of a third party, which test/gateway/driver-packages.test.ts makes',
  ],
]
