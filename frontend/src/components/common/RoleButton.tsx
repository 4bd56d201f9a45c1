import type { Role } from '@/api/session';
import { Button, type ButtonProps } from '@/components/ui/button';
import { Tooltip } from '@/components/ui/tooltip';
import { useMay } from '@/hooks/useSession';

/**
 * A button for those who may, while it can be done. Else it stays in its place, can be reached, and says which role it needs, or
 * by `not` why it can’t be done.
 */
export function RoleButton({ needs, not, onClick, ...props }: ButtonProps & { needs: Role; not?: string | undefined }) {
  const may = useMay(needs);
  const why = may ? not : `Needs the role ${needs}. Ask an admin for it.`;
  if (!why) return <Button onClick={onClick} {...props} />;
  return (
    <Tooltip text={why}>
      <Button {...props} type="button" aria-disabled onClick={(event) => event.preventDefault()} />
    </Tooltip>
  );
}
