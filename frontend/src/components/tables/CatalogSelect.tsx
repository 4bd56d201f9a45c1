import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';

import { configQuery } from '@/api/config';

/** Which catalog's tables are listed; nothing where there is one alone. The default one is not named in the address. */
export function CatalogSelect({ chosen }: { chosen: string | undefined }) {
  const { data } = useQuery(configQuery);
  const navigate = useNavigate({ from: '/tables' });
  const first = data?.settings.default_catalog ?? '';
  const names = Object.keys(data?.settings.catalogs ?? {});
  if (names.length < 2) return null;
  return (
    <select
      aria-label="Catalog"
      className="mb-2 h-9 w-full shrink-0 rounded-md border border-input bg-card px-2"
      value={chosen ?? first}
      onChange={({ target: { value } }) =>
        void navigate({
          search: (before) => ({ ...before, ns: undefined, catalog: value === first ? undefined : value }),
        })
      }
    >
      {names.map((name) => (
        <option key={name} value={name}>
          {name === first ? `${name} (default)` : name}
        </option>
      ))}
    </select>
  );
}
