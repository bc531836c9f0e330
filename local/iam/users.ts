import { AwsError } from '../aws-error';
import type { AccountContext } from './context';
import { type Page, type PageRequest, pageOf } from './pages';
import { type Tag, Tags } from './tags';

/** An IAM user. A renamed user has the same id, and therefore the same devices. */
export interface User {
  readonly id: string;
  readonly createdAt: number;
  readonly tags: Tags;
  /** Whether an earlier user of this name was deleted. */
  readonly recreated: boolean;
  name: string;
  path: string;
}

/** The users of one account. */
export class Users {
  private readonly users = new Map<string, User>();
  private readonly deletedNames = new Set<string>();

  constructor(private readonly context: AccountContext) {}

  create(input: { UserName: string; Path?: string; Tags?: readonly Tag[] }): User {
    this.refuseTakenName(input.UserName);
    const now = this.context.clock.now();
    const tags = new Tags('insensitive');
    tags.put(input.Tags ?? []);
    const user: User = {
      id: this.context.uniqueId('AIDA'),
      createdAt: now,
      tags,
      recreated: this.deletedNames.has(input.UserName.toLowerCase()),
      name: input.UserName,
      path: input.Path ?? '/',
    };
    this.users.set(user.id, user);
    return user;
  }

  /** The user of a name, unless it is too new to be visible. */
  find(name: string): User | undefined {
    return this.visible().find((user) => user.name === name);
  }

  get(name: string): User {
    const user = this.find(name);
    if (user === undefined) {
      throw new AwsError('NoSuchEntity', 404, `The user with name ${name} cannot be found.`);
    }
    return user;
  }

  byId(id: string): User | undefined {
    return this.users.get(id);
  }

  list({ PathPrefix = '/', ...request }: PageRequest & { PathPrefix?: string }): Page<User> {
    const matching = this.visible().filter((user) => user.path.startsWith(PathPrefix));
    return pageOf(matching, (user) => user.name, request);
  }

  update(input: { UserName: string; NewUserName?: string; NewPath?: string }): void {
    const user = this.get(input.UserName);
    if (input.NewUserName !== undefined) {
      this.refuseTakenName(input.NewUserName, user);
      user.name = input.NewUserName;
    }
    user.path = input.NewPath ?? user.path;
  }

  delete(user: User): void {
    this.users.delete(user.id);
    this.deletedNames.add(user.name.toLowerCase());
  }

  /** Rejects changes of the devices of a user whose name belonged to a deleted user, for as long as the delay says. */
  requireModifiable(user: User): void {
    const age = this.context.clock.now() - user.createdAt;
    if (user.recreated && age < (this.context.delays.recreated ?? 0)) {
      throw new AwsError(
        'EntityTemporarilyUnmodifiable',
        409,
        `The user with name ${user.name} was deleted and created again and cannot be modified yet. Try again later.`,
      );
    }
  }

  arnOf(user: User): string {
    return this.context.arn('user', user.path, user.name);
  }

  /** All users, sorted by name, whether visible yet or not. */
  get all(): User[] {
    return [...this.users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private visible(): User[] {
    const now = this.context.clock.now();
    return [...this.users.values()].filter(({ createdAt }) => now - createdAt >= (this.context.delays.newUser ?? 0));
  }

  /** Names that differ only in case are the same to IAM. */
  private refuseTakenName(name: string, except?: User): void {
    const isTaken = this.all.some((user) => user !== except && user.name.toLowerCase() === name.toLowerCase());
    if (isTaken) {
      throw new AwsError('EntityAlreadyExists', 409, `User with name ${name} already exists.`);
    }
  }
}
