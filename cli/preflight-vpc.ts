/** Whether workers find their way out of a VPC of the owner's: its subnets, one by one. */
import {
  DescribeSubnetsCommand,
  EC2Client,
  paginateDescribeRouteTables,
  type RouteTable,
  type RouteTableAssociation,
  type Subnet,
} from '@aws-sdk/client-ec2';
import type { VpcIds } from '../jobs/vpc-ids.ts';
import { type Checked, good, looked } from './checkup.ts';

const EVERYWHERE = '0.0.0.0/0';

/** Where a deployment goes. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

interface Facts {
  readonly subnets: readonly Subnet[];
  /** Of the VPC. */
  readonly routeTables: readonly RouteTable[];
}

const stop = (sentence: string, fix: string): Checked => ({ verdict: 'stop', sentence, fix });

async function factsOf({ vpcId, subnetIds }: VpcIds): Promise<Facts> {
  const client = new EC2Client();
  // By a filter: an id that EC2 does not know would be an error otherwise, whatever the others are.
  const { Subnets: subnets = [] } = await client.send(
    new DescribeSubnetsCommand({ Filters: [{ Name: 'subnet-id', Values: [...subnetIds] }] }),
  );
  const routeTables: RouteTable[] = [];
  const pages = paginateDescribeRouteTables({ client }, { Filters: [{ Name: 'vpc-id', Values: [vpcId] }] });
  for await (const { RouteTables = [] } of pages) routeTables.push(...RouteTables);
  return { subnets, routeTables };
}

/** Why no worker can be launched in a subnet; undefined where one can. */
function obstacleIn(id: string, vpcId: string, account: string, subnets: readonly Subnet[]) {
  const another = `aws ec2 describe-subnets --filters Name=vpc-id,Values=${vpcId}`;
  const subnet = subnets.find(({ SubnetId }) => SubnetId === id);
  if (!subnet) return stop(`${id} is no subnet of this region`, another);
  const { VpcId, OwnerId, AvailabilityZone } = subnet;
  if (VpcId !== vpcId) return stop(`${id} is in ${VpcId}, not in ${vpcId}`, another);
  if (OwnerId !== account) return stop(`${id} is shared by ${OwnerId}; workers need one of yours`, another);
  const [first] = subnets.filter((one) => one.AvailabilityZone === AvailabilityZone);
  if (first === subnet) return undefined;
  return stop(`${id} and ${first?.SubnetId} are both in ${AvailabilityZone}; EC2 takes one a zone`, another);
}

/** A subnet's own route table, otherwise the main one of its VPC. */
function routeTableOf(id: string, routeTables: readonly RouteTable[]): RouteTable | undefined {
  const associated = (is: (association: RouteTableAssociation) => boolean) =>
    routeTables.find(({ Associations = [] }) => Associations.some(is));
  return associated(({ SubnetId }) => SubnetId === id) ?? associated(({ Main }) => Main === true);
}

/** Whether what is launched in a subnet has a way out. */
function wayOut(id: string, { vpcId }: VpcIds, { region }: Place, { subnets, routeTables }: Facts): Checked {
  const table = routeTableOf(id, routeTables);
  const routes = (table?.Routes ?? []).filter(({ State }) => State !== 'blackhole');
  const way = routes.find(({ DestinationCidrBlock }) => DestinationCidrBlock === EVERYWHERE);
  if (!way)
    return stop(
      `${id} has no route to ${EVERYWHERE}: its workers would reach neither AWS nor Ubuntu’s packages`,
      `aws ec2 create-route --route-table-id ${table?.RouteTableId} --destination-cidr-block ${EVERYWHERE} --nat-gateway-id nat-…`,
    );
  if (way.GatewayId?.startsWith('igw-')) {
    if (subnets.find(({ SubnetId }) => SubnetId === id)?.MapPublicIpOnLaunch)
      return good(`${id} has a way out, by public addresses`);
    return stop(
      `${id} leads to an internet gateway but assigns no public addresses, and nothing passes without one`,
      `aws ec2 modify-subnet-attribute --subnet-id ${id} --map-public-ip-on-launch`,
    );
  }
  // A gateway endpoint is a route.
  if (routes.some(({ GatewayId }) => GatewayId?.startsWith('vpce-')))
    return good(`${id} has a way out, and a gateway endpoint`);
  return {
    verdict: 'note',
    sentence: `${id} has no gateway endpoint for S3: whatever is read and written passes ${way.NatGatewayId ?? 'its default route'}, and NAT bills by the gigabyte`,
    fix: `aws ec2 create-vpc-endpoint --vpc-id ${vpcId} --service-name com.amazonaws.${region}.s3 --route-table-ids ${table?.RouteTableId}`,
  };
}

/** Looks at each subnet. */
export async function vpcChecks(vpc: VpcIds, place: Place): Promise<Checked[]> {
  const facts = factsOf(vpc);
  return Promise.all(
    vpc.subnetIds.map((id) =>
      looked(`The subnet ${id}`, async () => {
        const known = await facts;
        return obstacleIn(id, vpc.vpcId, place.account, known.subnets) ?? wayOut(id, vpc, place, known);
      }),
    ),
  );
}
