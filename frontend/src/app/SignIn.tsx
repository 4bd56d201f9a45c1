import { useMutation } from '@tanstack/react-query';
import { useId, useState, type SyntheticEvent } from 'react';

import { asProblem } from '@/api/problem';
import { signIn } from '@/api/session';
import { Button } from '@/components/ui/button';
import { Input } from '@/components/ui/input';

import { Logo } from './Logo';

/** The code in a sign-in link, or what was pasted where it is the code alone. */
export function codeOf(pasted: string): string {
  return /[?&]code=([^&\s]+)/.exec(pasted)?.[1] ?? pasted.trim();
}

function Failure({ error }: { error: unknown }) {
  const problem = asProblem(error);
  const wait = problem.retryAfter ? ` Try again in ${problem.retryAfter} s.` : '';
  return (
    <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 break-words">
      {problem.message}.{wait}
    </p>
  );
}

/** Two ways in: name and password, or a one-time link. */
export function SignInForm() {
  const [byLink, setByLink] = useState(false);
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [link, setLink] = useState('');
  const id = useId();
  const enter = useMutation({ mutationFn: signIn });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    enter.mutate(byLink ? { code: codeOf(link) } : { name, password });
  };
  return (
    <form onSubmit={submit} className="space-y-3">
      {byLink ? (
        <div>
          <label htmlFor={`${id}-link`} className="mb-1 block text-[0.8125rem] font-medium">
            Sign-in link
          </label>
          <Input
            id={`${id}-link`}
            value={link}
            onChange={(event) => setLink(event.target.value)}
            required
            autoComplete="off"
          />
          <p className="mt-1 text-xs text-muted-foreground">
            <code>drls serve</code> prints one at its start; <code>drls user link NAME</code> makes another.
          </p>
        </div>
      ) : (
        <>
          <div>
            <label htmlFor={`${id}-name`} className="mb-1 block text-[0.8125rem] font-medium">
              Name
            </label>
            <Input
              id={`${id}-name`}
              value={name}
              onChange={(event) => setName(event.target.value)}
              required
              autoComplete="username"
            />
          </div>
          <div>
            <label htmlFor={`${id}-password`} className="mb-1 block text-[0.8125rem] font-medium">
              Password
            </label>
            <Input
              id={`${id}-password`}
              type="password"
              value={password}
              onChange={(event) => setPassword(event.target.value)}
              required
              autoComplete="current-password"
            />
          </div>
        </>
      )}
      {enter.error && <Failure error={enter.error} />}
      <Button type="submit" className="w-full" disabled={enter.isPending}>
        {enter.isPending ? 'Signing in …' : 'Sign in'}
      </Button>
      <Button
        variant="link"
        size="inline"
        onClick={() => {
          setByLink(!byLink);
          enter.reset();
        }}
      >
        {byLink ? 'Use name and password' : 'Use a sign-in link'}
      </Button>
    </form>
  );
}

/** The page of somebody who is not signed in. */
export function SignInPage() {
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <div className="w-full max-w-sm">
        <div className="mb-5 flex items-center gap-3">
          <Logo size={36} />
          <div>
            <h1 className="text-lg leading-tight font-semibold">DRLS</h1>
            <p className="text-muted-foreground">Lakehouse console</p>
          </div>
        </div>
        <div className="card p-5">
          <SignInForm />
        </div>
      </div>
    </main>
  );
}
