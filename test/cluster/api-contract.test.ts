// The real API server, and the one of the tests, keep the same contract.

import { afterAll, beforeAll, describe } from 'vitest'
import { FakeApiServer } from '../support/fake-api-server.ts'
import { missing, titled } from '../support/tools.ts'
import { holdsOfAnApiServer, type Served } from './api-contract.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'

describe.skipIf(missing(...clusterTools))(titled('of Kubernetes', ...clusterTools), () => {
  let cluster: ControlPlane
  let served: Served
  beforeAll(async () => {
    cluster = await startControlPlane()
    served = {
      kubeconfig: cluster.kubeconfig,
      strange: await cluster.kubeconfigOf('nonsense'),
      forget: () => cluster.restartApiServer(),
    }
  })
  afterAll(() => cluster?.stop())
  holdsOfAnApiServer(() => served)
})

describe.skipIf(missing('openssl'))(titled('of the tests', 'openssl'), () => {
  let fake: FakeApiServer
  let served: Served
  beforeAll(async () => {
    fake = await FakeApiServer.start()
    served = {
      kubeconfig: await fake.kubeconfig(),
      strange: await fake.kubeconfig({}, { token: 'nonsense' }),
      forget: async () => fake.forgetHistory(),
    }
  })
  afterAll(() => fake?.stop())
  holdsOfAnApiServer(() => served)
})
