import type { Role } from '@/api/session';
import { Button, type ButtonProps } from '@/components/ui/button';
import { Tooltip } from '@/components/ui/tooltip';
import { useMay } from '@/hooks/useSession';

/** A button for those who may. For others it stays in its place, can be reached, and says which role it needs. */
export function RoleButton({ needs, onClick, ...props }: ButtonProps & { needs: Role }) {
  const may = useMay(needs);
  if (may) return <Button onClick={onClick} {...props} />;
  return (
    <Tooltip text={`Needs the role ${needs}. Ask an admin for it.`}>
      <Button {...props} type="button" aria-disabled onClick={(event) => event.preventDefault()} />
    </Tooltip>
  );
}
